//! Many actors and the task that supervises them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use wasmtime::{Engine, InstancePre, Result};

use crate::actor::{Address, Mailbox, mailbox, serve, serve_on_fibers};
use crate::component::{ChildHealth, Component, HEALTH_CHECK_TIMEOUT, TICK};
use crate::guest::{Directory, Guest};

/// Workers of the runtime, and askers in a sweep.
pub const WORKERS: usize = 2;
/// So many are asked before the first of them is awaited: no queue of tokio's overflows, and what
/// is under way stays in the cache.
const ASKED_AT_ONCE: usize = 128;
const MAILBOX_MAX: usize = 1024;

/// How a guest is called.
#[derive(Clone, Copy)]
pub enum Calls {
    /// Plainly: the fastest way, for a guest that waits for nothing. One that spins keeps its
    /// worker until its deadline.
    Plain,
    /// On a fiber, which lets it wait and makes it yield. A store keeps its fiber's stack from its
    /// first call on, with a guard page: 30,000 of them are more mappings than the kernel allows.
    OnFibers,
}

#[derive(Clone)]
pub struct ChildOptions {
    pub prepared: InstancePre<Guest>,
    pub calls: Calls,
    pub message_limit: Duration,
}

/// What is kept from one life to the next.
struct Child {
    options: ChildOptions,
    metadata: Arc<[(String, String)]>,
    mailbox: Mailbox,
}

struct Shared {
    engine: Engine,
    directory: Directory,
    starting: AtomicUsize,
    started: Notify,
    stop: Notify,
}

pub struct Fleet {
    shared: Arc<Shared>,
    children: JoinSet<Option<Child>>,
    addresses: Vec<Address>,
}

/// A fleet that runs.
pub struct Running {
    shared: Arc<Shared>,
    supervisor: JoinHandle<()>,
    pub addresses: Arc<[Address]>,
}

impl Fleet {
    pub fn new(engine: &Engine) -> Fleet {
        let shared = Shared {
            engine: engine.clone(),
            directory: Arc::new(RwLock::new(HashMap::new())),
            starting: AtomicUsize::new(0),
            started: Notify::new(),
            stop: Notify::new(),
        };
        Fleet { shared: Arc::new(shared), children: JoinSet::new(), addresses: Vec::new() }
    }

    /// Somebody who is no component.
    pub fn add_name(&self, name: &str, address: Address) {
        self.shared.directory.write().unwrap().insert(name.to_string(), address);
    }

    /// Its task begins at once; guests find it by its name, if it has one.
    pub fn add(
        &mut self,
        name: Option<&str>,
        metadata: Arc<[(String, String)]>,
        options: &ChildOptions,
    ) {
        let (address, mailbox) = mailbox(MAILBOX_MAX);
        if let Some(name) = name {
            self.add_name(name, address.clone());
        }
        self.addresses.push(address);
        let child = Child { options: options.clone(), metadata, mailbox };
        self.shared.starting.fetch_add(1, SeqCst);
        self.children.spawn(live(self.shared.clone(), child, true));
    }

    /// Waits until all are ready.
    pub async fn start(self) -> Running {
        let Fleet { shared, children, addresses } = self;
        let supervisor = tokio::spawn(supervise(shared.clone(), children));
        while shared.starting.load(SeqCst) > 0 {
            shared.started.notified().await;
        }
        Running { shared, supervisor, addresses: addresses.into() }
    }
}

/// One life of a component. Returns its parts when the guest has ended, for the next one.
async fn live(shared: Arc<Shared>, mut child: Child, first: bool) -> Option<Child> {
    let ended = match child.options.calls {
        Calls::Plain => live_plainly(&shared, &mut child, first).await,
        // Boxed: it is larger, and a task has the size of its largest part.
        Calls::OnFibers => Box::pin(live_on_fibers(&shared, &mut child, first)).await,
    };
    ended.is_err().then_some(child)
}

async fn live_plainly(shared: &Shared, child: &mut Child, first: bool) -> Result<()> {
    let mut component = Component::new(HEALTH_CHECK_TIMEOUT);
    let guest = Guest::new(&shared.directory, &child.metadata);
    component.start_sync(&shared.engine, &child.options.prepared, guest).expect("it starts");
    component.health_check_sync();
    shared.ready(first);
    serve(&mut component, &mut child.mailbox, child.options.message_limit).await
}

async fn live_on_fibers(shared: &Shared, child: &mut Child, first: bool) -> Result<()> {
    let mut component = Component::new(HEALTH_CHECK_TIMEOUT);
    let guest = Guest::new(&shared.directory, &child.metadata);
    component.start(&shared.engine, &child.options.prepared, guest).await.expect("it starts");
    component.health_check().await;
    shared.ready(first);
    serve_on_fibers(&mut component, &mut child.mailbox, child.options.message_limit).await
}

impl Shared {
    fn ready(&self, first: bool) {
        if first && self.starting.fetch_sub(1, SeqCst) == 1 {
            self.started.notify_one();
        }
    }
}

/// Restarts whoever ends, at once, until it is told to stop.
async fn supervise(shared: Arc<Shared>, mut children: JoinSet<Option<Child>>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.notified() => break,
            Some(ended) = children.join_next() => {
                if let Some(child) = ended.expect("a task does not panic") {
                    children.spawn(live(shared.clone(), child, false));
                }
            }
            else => break,
        }
    }
    children.shutdown().await;
}

impl Running {
    /// All are asked, by as many tasks as there are workers; how many were healthy.
    pub async fn sweep(&self) -> usize {
        let share = self.addresses.len().div_ceil(WORKERS);
        let askers = (0..WORKERS).map(|k| {
            let all = self.addresses.clone();
            tokio::spawn(async move {
                let begin = all.len().min(k * share);
                ask_all(&all[begin..all.len().min(begin + share)]).await
            })
        });
        let mut healthy = 0;
        for asker in askers.collect::<Vec<_>>() {
            healthy += asker.await.expect("a task does not panic").healthy;
        }
        healthy
    }

    /// Asks everybody once an interval, a few each tick, until the handle is aborted. `unwell`
    /// counts whoever fails, and all of a few of whom one does not answer.
    pub fn probe(&self, interval: Duration, unwell: &Arc<AtomicUsize>) -> JoinHandle<()> {
        let (all, unwell) = (self.addresses.clone(), unwell.clone());
        tokio::spawn(async move {
            let ticks = (interval.as_nanos() / TICK.as_nanos()) as usize;
            let mut clock = tokio::time::interval(TICK);
            for tick in (0..ticks).cycle() {
                clock.tick().await;
                let few = &all[all.len() * tick / ticks..all.len() * (tick + 1) / ticks];
                let found = timeout(HEALTH_CHECK_TIMEOUT, ask_all(few)).await;
                unwell.fetch_add(found.map_or(few.len(), |found| found.failed), SeqCst);
            }
        })
    }

    pub async fn stop(self) {
        self.shared.stop.notify_one();
        self.supervisor.await.expect("the supervisor does not panic");
        self.shared.directory.write().unwrap().clear();
    }
}

#[derive(Default)]
struct Found {
    healthy: usize,
    /// Says so, or has ended.
    failed: usize,
}

async fn ask_all(all: &[Address]) -> Found {
    let mut found = Found::default();
    let mut asked: Vec<oneshot::Receiver<ChildHealth>> = Vec::with_capacity(ASKED_AT_ONCE);
    for some in all.chunks(ASKED_AT_ONCE) {
        asked.extend(some.iter().map(Address::ask));
        for answer in asked.drain(..) {
            match answer.await {
                Ok(ChildHealth::Healthy) => found.healthy += 1,
                Ok(ChildHealth::Degraded { .. }) => {}
                Ok(ChildHealth::Failed { .. }) | Err(_) => found.failed += 1,
            }
        }
    }
    found
}
