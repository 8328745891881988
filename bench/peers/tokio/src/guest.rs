//! What a guest finds in module `ward`: as much of it as the benchmarks' guests import.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use tokio::sync::oneshot;
use wasmtime::{Caller, Engine, Extern, InstancePre, Linker, Memory, Module, Result};

use crate::actor::{Address, Message};

const INVALID: i32 = -1;
const NOT_FOUND: i32 = -2;
const REFUSED: i32 = -3;

/// Who can be sent to, by name.
pub type Directory = Arc<RwLock<HashMap<String, Address>>>;

/// A component's own.
pub struct Guest {
    directory: Directory,
    metadata: Arc<[(String, String)]>,
    handles: Vec<Address>,
    began: Instant,
}

impl Guest {
    pub fn new(directory: &Directory, metadata: &Arc<[(String, String)]>) -> Guest {
        Guest {
            directory: directory.clone(),
            metadata: metadata.clone(),
            handles: Vec::new(),
            began: Instant::now(),
        }
    }
}

fn memory_of(caller: &mut Caller<'_, Guest>) -> Option<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory)
}

fn bytes<'a>(
    caller: &'a Caller<'_, Guest>,
    memory: Memory,
    at: i32,
    length: i32,
) -> Option<&'a [u8]> {
    let at = at as u32 as usize;
    memory.data(caller).get(at..at.checked_add(length as u32 as usize)?)
}

/// As much as fits.
fn put(caller: &mut Caller<'_, Guest>, memory: Memory, at: i32, room: i32, what: &[u8]) -> i32 {
    let fits = what.len().min(room as u32 as usize);
    match memory.write(caller, at as u32 as usize, &what[..fits]) {
        Ok(()) => what.len() as i32,
        Err(_) => INVALID,
    }
}

fn find(mut caller: Caller<'_, Guest>, at: i32, length: i32) -> i32 {
    let Some(memory) = memory_of(&mut caller) else { return INVALID };
    let Some(name) = bytes(&caller, memory, at, length).and_then(|it| str::from_utf8(it).ok())
    else {
        return INVALID;
    };
    let Some(address) = caller.data().directory.read().unwrap().get(name).cloned() else {
        return NOT_FOUND;
    };
    let handles = &mut caller.data_mut().handles;
    handles.push(address);
    handles.len() as i32 - 1
}

fn message(
    caller: &mut Caller<'_, Guest>,
    at: i32,
    length: i32,
    reply: Option<oneshot::Sender<Result<Vec<u8>>>>,
) -> Option<Message> {
    let memory = memory_of(caller)?;
    let bytes = bytes(caller, memory, at, length)?.to_vec();
    Some(Message { bytes, reply })
}

fn send(mut caller: Caller<'_, Guest>, handle: i32, at: i32, length: i32) -> i32 {
    let Some(message) = message(&mut caller, at, length, None) else { return INVALID };
    match caller.data().handles.get(handle as usize) {
        None => NOT_FOUND,
        Some(to) if to.send(message) => 0,
        Some(_) => REFUSED,
    }
}

/// Without a time limit, as in Erlang's benchmark: a timer costs more than the request.
async fn request(
    mut caller: Caller<'_, Guest>,
    (handle, at, length, to, room, _timeout): (i32, i32, i32, i32, i32, i64),
) -> i64 {
    let (reply, answer) = oneshot::channel();
    let Some(message) = message(&mut caller, at, length, Some(reply)) else {
        return INVALID.into();
    };
    match caller.data().handles.get(handle as usize) {
        None => return NOT_FOUND.into(),
        Some(to) if to.send(message) => {}
        Some(_) => return REFUSED.into(),
    }
    let (Ok(Ok(answer)), Some(memory)) = (answer.await, memory_of(&mut caller)) else {
        return REFUSED.into();
    };
    put(&mut caller, memory, to, room, &answer).into()
}

fn metadata(mut caller: Caller<'_, Guest>, key: i32, length: i32, to: i32, room: i32) -> i32 {
    let Some(memory) = memory_of(&mut caller) else { return INVALID };
    let Some(key) = bytes(&caller, memory, key, length) else { return INVALID };
    let all = caller.data().metadata.clone();
    match all.iter().find(|(name, _)| name.as_bytes() == key) {
        Some((_, value)) => put(&mut caller, memory, to, room, value.as_bytes()),
        None => NOT_FOUND,
    }
}

/// Shared by all components of this module.
pub fn prepare(engine: &Engine, module: &Module) -> Result<InstancePre<Guest>> {
    let mut linker: Linker<Guest> = Linker::new(engine);
    linker.func_wrap("ward", "find", find)?;
    linker.func_wrap("ward", "send", send)?;
    linker.func_wrap("ward", "metadata", metadata)?;
    linker.func_wrap("ward", "monotonic_now", |caller: Caller<'_, Guest>| {
        caller.data().began.elapsed().as_nanos() as i64
    })?;
    linker.func_wrap_async("ward", "request", |caller, asked| Box::new(request(caller, asked)))?;
    linker.instantiate_pre(module)
}
