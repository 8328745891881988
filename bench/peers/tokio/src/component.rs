//! The component: a state, a store, the cached health export, and the origin's `health_check`.

use std::time::Duration;

use tokio::time::timeout;
use wasmtime::{
    Config, Engine, Error, Instance, InstanceAllocationStrategy, InstancePre, Linker, Memory,
    Module, PoolingAllocationConfig, Result, Store, Trap, TypedFunc,
};

use crate::health::{HealthStatus, frame_decode};

#[allow(dead_code)] // what is said of a Failed one is the supervisor's to read
pub enum ChildHealth {
    Healthy,
    Degraded { reason: String },
    Failed { reason: String },
}

/// The origin's states. A benchmark only meets Ready, but the check must ask.
#[allow(dead_code)]
pub enum ActorState {
    Creating,
    Starting,
    Ready,
    Stopping,
    Failed(String),
}

/// `T` is what the host functions of the guest need; most guests here import nothing.
pub struct Runtime<T: 'static = ()> {
    store: Store<T>,
    memory: Option<Memory>,
    health: Option<TypedFunc<(), i32>>,
    handler: Option<Handler>,
}

/// Where a message's bytes are to lie, and who takes them. The answer's length is in the upper half
/// of what `handle` returns, and its address in the lower.
struct Handler {
    alloc: TypedFunc<i32, i32>,
    handle: TypedFunc<(i32, i32), i64>,
}

pub struct Component<T: 'static = ()> {
    state: ActorState,
    runtime: Option<Runtime<T>>,
    timeout: Duration,
}

pub const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_millis(1000);
/// As often as Ward's own clock thread.
pub const TICK: Duration = Duration::from_millis(1);
const HEALTH_BYTES_MAX: usize = 256;
const PAGE_BYTES: usize = 64 * 1024;

/// Pooled instances, and epochs that make a running guest yield, so that the timeout is polled.
pub fn engine_new() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(64 * 1024).async_stack_keep_resident(64 * 1024);
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// For many instances: a memory of one page each without a guard, side by side, and not mapped from
/// the module's image, so that they are one mapping to the kernel. It has 65,530 for a process.
pub fn engine_dense(instances: u32) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(PAGE_BYTES).async_stack_keep_resident(64 * 1024);
    pool.total_core_instances(instances).total_memories(instances).max_memory_size(PAGE_BYTES);
    pool.total_tables(0);
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.memory_init_cow(false);
    config.memory_reservation(PAGE_BYTES as u64).memory_guard_size(0);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// The epoch advances for as long as there is the engine.
pub fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}

/// What is shared by all components of one module.
pub fn prepare(engine: &Engine, module: &Module) -> Result<InstancePre<()>> {
    Linker::new(engine).instantiate_pre(module)
}

impl<T: Send + 'static> Runtime<T> {
    pub async fn new(engine: &Engine, prepared: &InstancePre<T>, data: T) -> Result<Runtime<T>> {
        let mut store = Store::new(engine, data);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = prepared.instantiate_async(&mut store).await?;
        Runtime::of(store, instance)
    }

    /// A store that never yields: an epoch past the deadline is a trap.
    fn new_sync(engine: &Engine, prepared: &InstancePre<T>, data: T) -> Result<Runtime<T>> {
        let mut store = Store::new(engine, data);
        store.set_epoch_deadline(ticks(HEALTH_CHECK_TIMEOUT));
        let instance = prepared.instantiate(&mut store)?;
        Runtime::of(store, instance)
    }

    fn of(mut store: Store<T>, instance: Instance) -> Result<Runtime<T>> {
        let memory = instance.get_memory(&mut store, "memory");
        let health = match instance.get_func(&mut store, "_health") {
            Some(func) => Some(func.typed::<(), i32>(&store)?),
            None => None,
        };
        let handler = match instance.get_func(&mut store, "handle-message") {
            Some(func) => Some(Handler {
                alloc: instance.get_typed_func(&mut store, "ward_alloc")?,
                handle: func.typed(&store)?,
            }),
            None => None,
        };
        Ok(Runtime { store, memory, health, handler })
    }

    fn handle_message_sync(&mut self, message: &[u8]) -> Result<&[u8]> {
        let (Some(Handler { alloc, handle }), Some(memory)) = (&self.handler, self.memory) else {
            return Err(Error::msg("no handle-message"));
        };
        let length = message.len() as i32;
        let address = alloc.call(&mut self.store, length)?;
        memory.write(&mut self.store, address as u32 as usize, message)?;
        let answer = handle.call(&mut self.store, (address, length))?;
        answer_at(memory.data(&self.store), answer)
    }

    /// Two calls of the guest, and so two fibers: a guest may not return from the first either.
    /// Wasmtime lets no synchronous call into a store that yields.
    async fn handle_message(&mut self, message: &[u8]) -> Result<&[u8]> {
        let (Some(Handler { alloc, handle }), Some(memory)) = (&self.handler, self.memory) else {
            return Err(Error::msg("no handle-message"));
        };
        let length = message.len() as i32;
        let address = alloc.call_async(&mut self.store, length).await?;
        memory.write(&mut self.store, address as u32 as usize, message)?;
        let answer = handle.call_async(&mut self.store, (address, length)).await?;
        answer_at(memory.data(&self.store), answer)
    }

    #[inline]
    async fn call_health_export(&mut self) -> Result<HealthStatus> {
        // Borrowed, not cloned: a clone counts two references up and down.
        let Some(health) = &self.health else {
            return Ok(HealthStatus::Healthy);
        };
        let address = health.call_async(&mut self.store, ()).await?;
        self.status_at(address)
    }

    #[inline]
    fn status_at(&self, address: i32) -> Result<HealthStatus> {
        if address == 0 || address == -1 {
            return Ok(HealthStatus::Healthy);
        }
        let address =
            usize::try_from(address).map_err(|_| Error::msg("Invalid _health return value"))?;
        let memory = self.memory.ok_or_else(|| Error::msg("WASM linear memory not found"))?;
        let data = memory.data(&self.store);
        let frame = data
            .get(address..)
            .map(|rest| &rest[..rest.len().min(HEALTH_BYTES_MAX)])
            .ok_or_else(|| Error::msg("Invalid memory pointer"))?;
        frame_decode(frame).map_err(|error| Error::msg(format!("{error:?}")))
    }
}

impl<T: Send + 'static> Component<T> {
    pub fn new(timeout: Duration) -> Component<T> {
        Component { state: ActorState::Creating, runtime: None, timeout }
    }

    pub async fn start(
        &mut self,
        engine: &Engine,
        prepared: &InstancePre<T>,
        data: T,
    ) -> Result<()> {
        self.state = ActorState::Starting;
        self.runtime = Some(Runtime::new(engine, prepared, data).await?);
        self.state = ActorState::Ready;
        Ok(())
    }

    pub fn stop(&mut self) {
        self.state = ActorState::Stopping;
        self.runtime = None;
    }

    /// Section 3.1 of the origin, without its logging and its boxed futures.
    #[inline]
    pub async fn health_check(&mut self) -> ChildHealth {
        match timeout(self.timeout, Self::health_check_inner(&self.state, &mut self.runtime)).await
        {
            Ok(health) => health,
            Err(_elapsed) => ChildHealth::Degraded {
                reason: format!("Health check timeout (>{}ms)", self.timeout.as_millis()),
            },
        }
    }

    #[inline]
    async fn health_check_inner(
        state: &ActorState,
        runtime: &mut Option<Runtime<T>>,
    ) -> ChildHealth {
        let Some(runtime) = runtime else {
            return ChildHealth::Failed { reason: "WASM runtime not loaded".to_string() };
        };
        if let Some(health) = state_health(state) {
            return health;
        }
        let status = runtime.call_health_export().await.unwrap_or(HealthStatus::Healthy);
        status.into()
    }

    /// The answer, or what ended the guest; being too slow is one of these.
    pub async fn handle_message(&mut self, message: &[u8], limit: Duration) -> Result<&[u8]> {
        let Some(runtime) = &mut self.runtime else {
            return Err(Error::msg("WASM runtime not loaded"));
        };
        timeout(limit, runtime.handle_message(message))
            .await
            .unwrap_or_else(|_elapsed| Err(Trap::Interrupt.into()))
    }

    pub fn handle_message_sync(&mut self, message: &[u8], limit: Duration) -> Result<&[u8]> {
        let Some(runtime) = &mut self.runtime else {
            return Err(Error::msg("WASM runtime not loaded"));
        };
        runtime.store.set_epoch_deadline(ticks(limit));
        runtime.handle_message_sync(message)
    }

    pub fn start_sync(
        &mut self,
        engine: &Engine,
        prepared: &InstancePre<T>,
        data: T,
    ) -> Result<()> {
        self.runtime = Some(Runtime::new_sync(engine, prepared, data)?);
        self.state = ActorState::Ready;
        Ok(())
    }

    /// Not the origin's: no tokio, no fiber, the deadline as an epoch only. What Rust can do when
    /// the design is given up.
    #[inline]
    pub fn health_check_sync(&mut self) -> ChildHealth {
        let Some(runtime) = &mut self.runtime else {
            return ChildHealth::Failed { reason: "WASM runtime not loaded".to_string() };
        };
        if let Some(health) = state_health(&self.state) {
            return health;
        }
        let Some(health) = &runtime.health else {
            return ChildHealth::Healthy;
        };
        runtime.store.set_epoch_deadline(ticks(self.timeout));
        let answer = health.call(&mut runtime.store, ());
        match answer.and_then(|address| runtime.status_at(address)) {
            Ok(status) => status.into(),
            Err(error) if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) => {
                ChildHealth::Degraded {
                    reason: format!("Health check timeout (>{}ms)", self.timeout.as_millis()),
                }
            }
            Err(_) => ChildHealth::Healthy,
        }
    }
}

/// Of an epoch deadline that is so far away.
#[inline]
fn ticks(limit: Duration) -> u64 {
    (limit.as_millis() / TICK.as_millis()) as u64 + 1
}

fn answer_at(memory: &[u8], answer: i64) -> Result<&[u8]> {
    let (at, length) = (answer as u32 as usize, (answer as u64 >> 32) as usize);
    memory.get(at..at + length).ok_or_else(|| Error::msg("Invalid memory pointer"))
}

/// The verdict of a component that is not Ready.
#[inline]
fn state_health(state: &ActorState) -> Option<ChildHealth> {
    let reason = match state {
        ActorState::Ready => return None,
        ActorState::Failed(reason) => {
            return Some(ChildHealth::Failed { reason: reason.clone() });
        }
        ActorState::Creating | ActorState::Starting => "Component starting",
        ActorState::Stopping => "Component stopping",
    };
    Some(ChildHealth::Degraded { reason: reason.to_string() })
}

impl From<HealthStatus> for ChildHealth {
    fn from(status: HealthStatus) -> Self {
        match status {
            HealthStatus::Healthy => ChildHealth::Healthy,
            HealthStatus::Degraded { reason } => ChildHealth::Degraded { reason },
            HealthStatus::Unhealthy { reason } => ChildHealth::Failed { reason },
        }
    }
}
