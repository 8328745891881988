//! The benchmarks of many components; bench/many.c, talk.c and recover.c measure the same of Ward.
//! Everybody is asked from a task of the runtime, which is faster than from a thread outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use wasmtime::{Engine, Module, Result};

use crate::actor::{Address, Message, mailbox};
use crate::component::{ChildHealth, HEALTH_CHECK_TIMEOUT, TICK, engine_dense, engine_new, tick};
use crate::fleet::{Calls, ChildOptions, Fleet, Running, WORKERS};
use crate::guest::prepare;
use crate::measure::{Clock, Figures, figures_owned};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const MILLION: usize = 1_000_000;
const ROUNDS: usize = 7;
const MESSAGE_LIMIT: Duration = Duration::from_secs(10);

pub struct Many {
    guests: PathBuf,
    samples: usize,
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_time().build().expect("a runtime")
}

/// Runs it as a task, and waits for it.
fn on_worker<T: Send + 'static>(
    runtime: &Runtime,
    what: impl Future<Output = T> + Send + 'static,
) -> T {
    runtime.block_on(runtime.spawn(what)).expect("a benchmark does not panic")
}

fn nobody() -> Arc<[(String, String)]> {
    Arc::new([])
}

fn peer(name: String) -> Arc<[(String, String)]> {
    Arc::new([("peer".to_string(), name)])
}

/// Resident, and the kernel's page tables.
fn memory_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let kib = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("the kernel says so");
        line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
    };
    (kib("VmRSS:") + kib("VmPTE:")) * 1024.0
}

fn cpu_seconds() -> f64 {
    // In ticks of a hundredth of a second: the benchmark takes seconds.
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc is mounted");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn print(name: &str, unit: &str, values: Vec<f64>) {
    Figures::of_values(values).print("tokio", name, unit);
}

impl Many {
    pub fn new(guests: &Path, samples: usize) -> Many {
        Many { guests: guests.to_owned(), samples }
    }

    /// False when it is none of these.
    pub fn run(&self, name: &str) -> Result<bool> {
        match name {
            "message_check" => self.message_check()?,
            "sweep_100k" => self.sweep()?,
            "start" => self.start()?,
            "million" => self.million()?,
            "sizes" => {
                let before = memory_bytes();
                for count in [10, 100, 1000, FEW, MANY] {
                    self.size(count, before)?;
                }
            }
            "size_million" => self.size(MILLION, memory_bytes())?,
            "message_cost" => {
                let most = if self.samples < 100_000 { FEW } else { MANY }; // less for a brief look
                for count in [10, 100, 1000, FEW, MANY].into_iter().filter(|it| *it <= most) {
                    self.ring(count)?;
                }
            }
            "message_cost_million" => self.ring(MILLION)?,
            "messages_per_second" => self.messages_per_second()?,
            "request_reply" => self.request_reply()?,
            "recover_trap" => self.recover_trap()?,
            "recover_hang" => self.recover_hang()?,
            "wrong_verdicts_saturated" => {
                let quick = self.samples < 100_000;
                self.saturated(Duration::from_secs(if quick { 1 } else { 10 }))?
            }
            "wrong_verdicts_long" => self.saturated(Duration::from_secs(600))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn options(&self, engine: &Engine, guest: &str, calls: Calls) -> Result<ChildOptions> {
        let module = Module::from_file(engine, self.guests.join(guest))?;
        let prepared = prepare(engine, &module)?;
        Ok(ChildOptions { prepared, calls, message_limit: MESSAGE_LIMIT })
    }

    fn dense(&self, count: usize) -> Result<Engine> {
        let engine = engine_dense(count as u32 + 16)?;
        tick(&engine);
        Ok(engine)
    }

    fn sparse(&self) -> Result<Engine> {
        let engine = engine_new()?;
        tick(&engine);
        Ok(engine)
    }

    /// So many of the steady guest; and what it took, from the first that is added until the last
    /// is ready.
    fn steady(&self, runtime: &Runtime, count: usize) -> Result<(Running, Duration)> {
        let engine = self.dense(count)?;
        let options = self.options(&engine, "steady.wat", Calls::Plain)?;
        let mut fleet = Fleet::new(&engine);
        Ok(on_worker(runtime, async move {
            let began = Instant::now();
            for _ in 0..count {
                fleet.add(None, nobody(), &options);
            }
            let running = fleet.start().await;
            (running, began.elapsed())
        }))
    }

    fn message_check(&self) -> Result<()> {
        let runtime = runtime();
        let (running, _) = self.steady(&runtime, 1)?;
        let (address, samples) = (running.addresses[0].clone(), self.samples);
        let found = on_worker(&runtime, async move {
            assert!(matches!(address.ask().await, Ok(ChildHealth::Healthy)));
            figures_owned(&Clock::new(), samples, || address.ask()).await
        });
        found.print("tokio", "message_check", "ns");
        runtime.block_on(running.stop());
        Ok(())
    }

    /// The first one warms up.
    fn sweeps_ms(&self, runtime: &Runtime, running: &Running) -> Vec<f64> {
        let sweep = || {
            let began = Instant::now();
            let healthy = runtime.block_on(running.sweep());
            assert_eq!(healthy, running.addresses.len());
            ms(began.elapsed())
        };
        sweep();
        (0..ROUNDS).map(|_| sweep()).collect()
    }

    fn sweep(&self) -> Result<()> {
        let runtime = runtime();
        let (running, _) = self.steady(&runtime, MANY)?;
        print("sweep_100k", "ms", self.sweeps_ms(&runtime, &running));
        runtime.block_on(running.stop());
        Ok(())
    }

    fn start(&self) -> Result<()> {
        let runtime = runtime();
        let mut each = Vec::new();
        for _ in 0..ROUNDS {
            let (running, span) = self.steady(&runtime, FEW)?;
            each.push(span.as_nanos() as f64 / FEW as f64);
            runtime.block_on(running.stop());
        }
        print("start", "ns", each);
        Ok(())
    }

    fn million(&self) -> Result<()> {
        let runtime = runtime();
        let before = memory_bytes();
        let (running, span) = self.steady(&runtime, MILLION)?;
        print("million_start", "s", vec![span.as_secs_f64()]);
        print("million_bytes_each", "B", vec![(memory_bytes() - before) / MILLION as f64]);
        let unwell = Arc::new(AtomicUsize::new(0));
        let probe = {
            let _inside = runtime.enter();
            running.probe(Duration::from_secs(1), &unwell)
        };
        std::thread::sleep(Duration::from_secs(3));
        let (began, spent) = (Instant::now(), cpu_seconds());
        std::thread::sleep(Duration::from_secs(5));
        let share = (cpu_seconds() - spent) / began.elapsed().as_secs_f64();
        print("million_idle_core_share", "%", vec![100.0 * share]);
        probe.abort();
        assert_eq!(unwell.load(SeqCst), 0);
        print("million_sweep", "ms", self.sweeps_ms(&runtime, &running));
        runtime.block_on(running.stop());
        Ok(())
    }

    /// For the plots.
    fn size(&self, count: usize, before: f64) -> Result<()> {
        let runtime = runtime();
        let (running, _) = self.steady(&runtime, count)?;
        let bytes = (memory_bytes() - before) / count as f64;
        print(&format!("bytes_each_at_{count}"), "B", vec![bytes]);
        let all = running.addresses.clone();
        let check = on_worker(&runtime, async move {
            const ASKED: usize = 20_000;
            let mut seed = 1u64; // in an order that no cache can guess: xorshift
            let began = Instant::now();
            for _ in 0..ASKED {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                assert!(all[(seed % count as u64) as usize].ask().await.is_ok());
            }
            began.elapsed().as_nanos() as f64 / ASKED as f64
        });
        print(&format!("check_at_{count}"), "ns", vec![check]);
        let sweeps = self.sweeps_ms(&runtime, &running);
        let best = sweeps.into_iter().fold(f64::INFINITY, f64::min) * 1e6 / count as f64;
        print(&format!("sweep_each_at_{count}"), "ns", vec![best]);
        runtime.block_on(running.stop());
        Ok(())
    }

    // ---- messages ----

    /// See bench_message_cost in bench/talk.c.
    fn ring(&self, count: usize) -> Result<()> {
        const TOKENS: usize = 64;
        const MESSAGES: usize = 1_000_000;
        let runtime = runtime();
        let engine = self.dense(count)?;
        let options = self.options(&engine, "ring.wat", Calls::Plain)?;
        let (sink, mut done) = mailbox(TOKENS);
        let mut fleet = Fleet::new(&engine);
        fleet.add_name("sink", sink);
        let running = on_worker(&runtime, async move {
            for k in 0..count {
                let next = peer(format!("t{}", (k + 1) % count));
                fleet.add(Some(&format!("t{k}")), next, &options);
            }
            fleet.start().await
        });
        let messages = MESSAGES.min(self.samples).max(count) / TOKENS * TOKENS;
        let mut pass = || {
            let all = running.addresses.clone();
            let began = Instant::now();
            for k in 0..TOKENS {
                let mut bytes = vec![0u8; 64];
                bytes[..8].copy_from_slice(&((messages / TOKENS) as u64).to_le_bytes());
                assert!(all[k * count / TOKENS].send(Message { bytes, reply: None }));
            }
            for _ in 0..TOKENS {
                runtime.block_on(done.next()).expect("the guests know the sink");
            }
            began.elapsed().as_nanos() as f64 / messages as f64
        };
        pass(); // everybody looks for its peer
        let each = (0..3).map(|_| pass()).collect();
        print(&format!("message_at_{count}"), "ns", each);
        runtime.block_on(running.stop());
        Ok(())
    }

    fn messages_per_second(&self) -> Result<()> {
        const PAIRS: usize = 32;
        const IN_FLIGHT: usize = 16;
        let runtime = runtime();
        let engine = self.sparse()?;
        let options = self.options(&engine, "passer.wat", Calls::Plain)?;
        let mut fleet = Fleet::new(&engine);
        let running = on_worker(&runtime, async move {
            for k in 0..2 * PAIRS {
                fleet.add(Some(&format!("t{k}")), peer(format!("t{}", k ^ 1)), &options);
            }
            fleet.start().await
        });
        for address in running.addresses.iter() {
            for _ in 0..IN_FLIGHT {
                assert!(address.send(Message { bytes: vec![1; 64], reply: None }));
            }
        }
        let handled = || running.addresses.iter().map(Address::handled).sum::<u64>();
        std::thread::sleep(Duration::from_millis(200));
        let mut rates: Vec<f64> = (0..10)
            .map(|_| {
                let (before, began) = (handled(), Instant::now());
                std::thread::sleep(Duration::from_millis(100));
                (handled() - before) as f64 / began.elapsed().as_secs_f64()
            })
            .collect();
        rates.sort_unstable_by(f64::total_cmp);
        // As its P99, the slowest.
        let figures = Figures { p99: rates[0], p999: rates[0], ..Figures::of(&rates) };
        figures.print("tokio", "messages_per_second", "1");
        runtime.block_on(running.stop());
        Ok(())
    }

    fn request_reply(&self) -> Result<()> {
        const AT_ONCE: usize = 1000;
        let runtime = runtime();
        let engine = self.sparse()?;
        let talker = self.options(&engine, "talker.wat", Calls::OnFibers)?;
        let echo = self.options(&engine, "echo.wat", Calls::Plain)?;
        let mut fleet = Fleet::new(&engine);
        let rounds = self.samples / AT_ONCE + 2;
        let (running, times) = on_worker(&runtime, async move {
            fleet.add(Some("asker"), peer("answerer".to_string()), &talker);
            fleet.add(Some("answerer"), nobody(), &echo);
            let running = fleet.start().await;
            let mut times = Vec::new();
            for round in 0..rounds {
                let count = (AT_ONCE as u64).to_le_bytes();
                let answer = running.addresses[0].request(&count).await.expect("the guests talk");
                assert_eq!(answer.len(), 8 * AT_ONCE);
                let ns = answer
                    .chunks_exact(8)
                    .map(|it| u64::from_le_bytes(it.try_into().unwrap()) as f64);
                if round > 0 {
                    times.extend(ns);
                }
            }
            (running, times)
        });
        print("request_reply", "ns", times);
        runtime.block_on(running.stop());
        Ok(())
    }

    // ---- what ends a guest ----

    /// Spans from the message that ends the guest to the answer of the next, which waits for the
    /// restart.
    fn recoveries(
        &self,
        message: &'static [u8],
        limit: Duration,
        count: usize,
    ) -> Result<Vec<Duration>> {
        let runtime = runtime();
        let engine = self.dense(1)?;
        let mut options = self.options(&engine, "answers.wat", Calls::Plain)?;
        options.message_limit = limit;
        let mut fleet = Fleet::new(&engine);
        let (running, spans) = on_worker(&runtime, async move {
            fleet.add(None, nobody(), &options);
            let running = fleet.start().await;
            let mut spans = Vec::with_capacity(count);
            for _ in 0..count {
                let began = Instant::now();
                assert!(running.addresses[0].request(message).await.is_err());
                assert!(running.addresses[0].request(b"xxx").await.is_ok());
                spans.push(began.elapsed());
            }
            (running, spans)
        });
        runtime.block_on(running.stop());
        Ok(spans)
    }

    fn recover_trap(&self) -> Result<()> {
        let spans = self.recoveries(b"x", MESSAGE_LIMIT, (self.samples / 100).min(2000))?;
        print("recover_trap", "µs", spans.into_iter().map(|it| ms(it) * 1e3).collect());
        Ok(())
    }

    fn recover_hang(&self) -> Result<()> {
        let limit = Duration::from_millis(20);
        let spans = self.recoveries(b"xx", limit, (self.samples / 2000).clamp(20, 100))?;
        print("recover_hang", "ms", spans.into_iter().map(|it| ms(it - limit)).collect());
        Ok(())
    }

    /// Wrong are the same as in bench/recover.c. Asked from outside: there is no worker left.
    fn saturated(&self, duration: Duration) -> Result<()> {
        const WATCHED: usize = 50;
        const SPINNERS: usize = 8;
        let runtime = runtime();
        let engine = self.dense(WATCHED + SPINNERS)?;
        let steady = self.options(&engine, "steady.wat", Calls::OnFibers)?;
        let mut answers = self.options(&engine, "answers.wat", Calls::OnFibers)?;
        answers.message_limit = 2 * duration;
        let mut fleet = Fleet::new(&engine);
        let running = on_worker(&runtime, async move {
            for k in 0..WATCHED + SPINNERS {
                fleet.add(None, nobody(), if k < WATCHED { &steady } else { &answers });
            }
            fleet.start().await
        });
        let unwell = Arc::new(AtomicUsize::new(0));
        let probe = {
            let _inside = runtime.enter();
            running.probe(10 * TICK, &unwell)
        };
        for spinner in &running.addresses[WATCHED..] {
            assert!(spinner.send(Message { bytes: b"xx".to_vec(), reply: None }));
        }
        let (mut wrong, mut us) = (0, Vec::new());
        let began = Instant::now();
        for of in (0..WATCHED + SPINNERS).cycle() {
            if began.elapsed() > duration {
                break;
            }
            let asked = Instant::now();
            let answer = runtime.block_on(async {
                tokio::time::timeout(HEALTH_CHECK_TIMEOUT, running.addresses[of].ask()).await
            });
            us.push(ms(asked.elapsed()) * 1e3);
            wrong += usize::from(!match answer {
                Ok(Ok(ChildHealth::Healthy)) => true,
                Ok(Ok(ChildHealth::Degraded { reason })) => {
                    of >= WATCHED && reason == "Busy in handle-message"
                }
                _ => false,
            });
            std::thread::sleep(TICK);
        }
        probe.abort();
        print("wrong_verdicts_saturated", "1", vec![(wrong + unwell.load(SeqCst)) as f64]);
        print("probe_latency_saturated", "µs", us);
        runtime.block_on(running.stop());
        Ok(())
    }
}
