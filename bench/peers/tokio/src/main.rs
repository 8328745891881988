//! The peer: measures the origin's health check under the names of bench/bench.c, one JSON object
//! a line. Usage: ward-peer-tokio GUESTS-DIRECTORY SAMPLES NAME…

mod actor;
mod component;
mod fleet;
mod guest;
mod health;
mod many;
mod measure;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wasmtime::{Engine, InstancePre, Module, Result};

use component::{ChildHealth, Component, HEALTH_CHECK_TIMEOUT};
use many::Many;
use measure::{Clock, Figures, figures, figures_sync};

#[global_allocator]
static ALLOCATOR: measure::Counting = measure::Counting;

struct Bench {
    engine: Engine,
    clock: Clock,
    guests: PathBuf,
    samples: usize,
}

/// Components of a start benchmark.
const ALIVE: usize = 500;
/// Every reason in the guests is this one.
const REASON: &str = "High latency";

impl Bench {
    fn prepare(&self, guest: &str) -> Result<InstancePre<()>> {
        let module = Module::from_file(&self.engine, self.guests.join(guest))?;
        component::prepare(&self.engine, &module)
    }

    async fn started(&self, guest: &str, timeout: Duration) -> Result<Component> {
        let mut component = Component::new(timeout);
        component.start(&self.engine, &self.prepare(guest)?, ()).await?;
        Ok(component)
    }

    async fn check(&self, name: &str, guest: &str) -> Result<()> {
        let mut component = self.started(guest, HEALTH_CHECK_TIMEOUT).await?;
        expect(guest, &component.health_check().await);
        let op = async || {
            black_box(component.health_check().await);
        };
        figures(&self.clock, self.samples, op).await.print("tokio", name, "ns");

        let mut component = Component::new(HEALTH_CHECK_TIMEOUT);
        component.start_sync(&self.engine, &self.prepare(guest)?, ())?;
        expect(guest, &component.health_check_sync());
        let op = || {
            black_box(component.health_check_sync());
        };
        figures_sync(&self.clock, self.samples, op).print("rust_sync", name, "ns");
        Ok(())
    }

    fn prefix(&self) {
        let frame = [0x81u8, 0x0e, 0x00, 0x00];
        let op = || {
            let _ = black_box(health::prefix_decode(black_box(&frame[..])));
        };
        figures_sync(&self.clock, self.samples, op).print("tokio", "codec_prefix", "ns");
    }

    fn decode(&self, name: &str, frame: &[u8]) {
        let mut window = [0u8; 256];
        window[..frame.len()].copy_from_slice(frame);
        let op = || {
            let status = health::frame_decode(black_box(&window[..]));
            assert!(status.is_ok());
            let _ = black_box(status);
        };
        figures_sync(&self.clock, self.samples, op).print("tokio", name, "ns");
    }

    async fn overshoot(&self) -> Result<()> {
        let timeout = Duration::from_millis(20);
        let mut component = self.started("hang.wat", timeout).await?;
        let mut late: Vec<f64> = Vec::new();
        for _ in 0..(self.samples / 1000).clamp(20, 200) {
            let start = Instant::now();
            let health = component.health_check().await;
            let elapsed = start.elapsed();
            assert!(matches!(health, ChildHealth::Degraded { .. }));
            late.push((elapsed.as_secs_f64() - timeout.as_secs_f64()) * 1e3);
        }
        Figures::of_values(late).print("tokio", "deadline_overshoot", "ms");
        Ok(())
    }

    async fn allocations(&self) -> Result<()> {
        let mut component = self.started("borsh.wat", HEALTH_CHECK_TIMEOUT).await?;
        black_box(component.health_check().await);
        measure::allocations_count();
        for _ in 0..self.samples {
            black_box(component.health_check().await);
        }
        let each = measure::allocations_counted() as f64 / self.samples as f64;
        let figures = Figures { samples: self.samples, ..Figures::of(&[each]) };
        figures.print("tokio", "allocations_per_check", "1");
        Ok(())
    }

    /// Each start is the first in its memory, while all before it stay.
    async fn starts(&self, name: &str, engine: &Engine, prepared: &[InstancePre<()>]) {
        let mut fleet: Vec<Component> =
            (0..ALIVE).map(|_| Component::new(HEALTH_CHECK_TIMEOUT)).collect();
        let mut spans: Vec<f64> = Vec::new();
        for (component, prepared) in fleet.iter_mut().zip(prepared.iter().cycle()) {
            let op = async || component.start(engine, prepared, ()).await.unwrap();
            spans.extend(self.clock.sample(1, 1, op).await);
        }
        Figures::of_values(spans).print("tokio", name, "ns");
    }

    async fn start(&self) -> Result<()> {
        let engine = component::engine_new()?;
        let path = self.guests.join("borsh.wat");
        let each = (0..ALIVE)
            .map(|_| component::prepare(&engine, &Module::from_file(&engine, &path)?))
            .collect::<Result<Vec<_>>>()?;
        self.starts("start_warm", &engine, &each).await;
        Ok(())
    }

    async fn instantiate(&self) -> Result<()> {
        let engine = component::engine_new()?;
        let module = Module::from_file(&engine, self.guests.join("borsh.wat"))?;
        self.starts("instantiate", &engine, &[component::prepare(&engine, &module)?]).await;
        Ok(())
    }

    async fn restart(&self) -> Result<()> {
        let prepared = self.prepare("borsh.wat")?;
        let mut component = Component::new(HEALTH_CHECK_TIMEOUT);
        let op = async || {
            component.stop();
            component.start(&self.engine, &prepared, ()).await.unwrap();
        };
        figures(&self.clock, self.samples / 100, op).await.print("tokio", "restart_warm", "ns");
        Ok(())
    }

    async fn run(&self, name: &str) -> Result<()> {
        match name {
            "check_state" => self.check(name, "state.wat").await,
            "check_health_borsh" => self.check(name, "borsh.wat").await,
            "check_health_cbor" => self.check(name, "cbor.wat").await,
            "check_health_json" => self.check(name, "json.wat").await,
            "codec_prefix" => {
                self.prefix();
                Ok(())
            }
            "decode_borsh" => {
                self.decode(name, b"\x81\x0e\x01\x0c\x00\x00\x00High latency");
                Ok(())
            }
            "decode_json" => {
                let json = b"\x80\x04{\"status\":\"degraded\",\"reason\":\"High latency\"}";
                self.decode(name, json);
                Ok(())
            }
            "decode_cbor" => {
                self.decode(name, b"\x51\xa2fstatushdegradedfreasonlHigh latency");
                Ok(())
            }
            "deadline_overshoot" => self.overshoot().await,
            "allocations_per_check" => self.allocations().await,
            "start_warm" => self.start().await,
            "instantiate" => self.instantiate().await,
            "restart_warm" => self.restart().await,
            _ => panic!("no benchmark is named {name}"),
        }
    }
}

/// A figure is worth nothing if what was measured is not what was meant.
fn expect(guest: &str, health: &ChildHealth) {
    match (guest, health) {
        ("state.wat", ChildHealth::Healthy) => {}
        (_, ChildHealth::Degraded { reason }) if reason == REASON => {}
        _ => panic!("{guest}: not the verdict that is measured"),
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 4 {
        eprintln!("usage: {} GUESTS-DIRECTORY SAMPLES NAME…", args[0]);
        std::process::exit(2);
    }
    let engine = component::engine_new()?;
    component::tick(&engine);
    let bench = Bench {
        engine,
        clock: Clock::new(),
        guests: Path::new(&args[1]).to_owned(),
        samples: args[2].parse().expect("SAMPLES is a number"),
    };
    let many = Many::new(&bench.guests, bench.samples);
    // One thread: nothing has to be woken across threads, which is the faster runtime for one
    // component.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    for name in &args[3..] {
        if !many.run(name)? {
            runtime.block_on(bench.run(name))?;
        }
    }
    Ok(())
}
