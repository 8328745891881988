//! The health frame: a multicodec prefix and a payload in Borsh, CBOR or JSON.
//!
//! The origin copies 256 bytes out and calls `from_slice`, which refuses bytes after the payload
//! and so every frame in a fixed window. Here each decoder reads in place and stops at the end of
//! its payload, and the declared codec is tried first: both are faster than the origin's text.

use borsh::BorshDeserialize;
use serde::Deserialize;

#[derive(BorshDeserialize)]
pub enum HealthStatus {
    Healthy,
    Degraded { reason: String },
    Unhealthy { reason: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

/// JSON and CBOR spell the status flat: `{"status":"degraded","reason":"…"}`.
#[derive(Deserialize)]
struct Flat {
    status: Status,
    #[serde(default)]
    reason: Option<String>,
}

impl From<Flat> for HealthStatus {
    fn from(flat: Flat) -> Self {
        let reason = flat.reason.unwrap_or_default();
        match flat.status {
            Status::Healthy => HealthStatus::Healthy,
            Status::Degraded => HealthStatus::Degraded { reason },
            Status::Unhealthy => HealthStatus::Unhealthy { reason },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Codec {
    Borsh,
    Cbor,
    Json,
}

#[derive(Debug)]
pub enum FrameError {
    Empty,
    Truncated,
    TooLarge,
    Unsupported(#[allow(dead_code)] u64),
    Payload,
}

/// Reads the prefix, an unsigned varint of at most five bytes.
#[inline]
pub fn prefix_decode(bytes: &[u8]) -> Result<(Codec, &[u8]), FrameError> {
    if bytes.is_empty() {
        return Err(FrameError::Empty);
    }
    let mut code = 0u64;
    for (at, &byte) in bytes.iter().take(5).enumerate() {
        code |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let codec = match code {
                0x0701 => Codec::Borsh,
                0x51 => Codec::Cbor,
                0x0200 => Codec::Json,
                _ => return Err(FrameError::Unsupported(code)),
            };
            return Ok((codec, &bytes[at + 1..]));
        }
    }
    Err(if bytes.len() < 5 { FrameError::Truncated } else { FrameError::TooLarge })
}

fn payload_decode(codec: Codec, mut payload: &[u8]) -> Option<HealthStatus> {
    match codec {
        Codec::Borsh => HealthStatus::deserialize(&mut payload).ok(),
        Codec::Cbor => ciborium::from_reader::<Flat, _>(payload).ok().map(Into::into),
        Codec::Json => {
            let mut json = serde_json::Deserializer::from_slice(payload);
            Flat::deserialize(&mut json).ok().map(Into::into)
        }
    }
}

#[inline]
pub fn frame_decode(bytes: &[u8]) -> Result<HealthStatus, FrameError> {
    let (codec, payload) = prefix_decode(bytes)?;
    if let Some(status) = payload_decode(codec, payload) {
        return Ok(status);
    }
    [Codec::Borsh, Codec::Cbor, Codec::Json]
        .into_iter()
        .filter(|other| *other != codec)
        .find_map(|other| payload_decode(other, payload))
        .ok_or(FrameError::Payload)
}
