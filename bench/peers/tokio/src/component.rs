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

pub struct Runtime {
    store: Store<()>,
    memory: Option<Memory>,
    health: Option<TypedFunc<(), i32>>,
}

pub struct Component {
    state: ActorState,
    runtime: Option<Runtime>,
    timeout: Duration,
}

pub const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_millis(1000);
/// As often as Ward's own clock thread.
pub const TICK: Duration = Duration::from_millis(1);
const HEALTH_BYTES_MAX: usize = 256;

/// Pooled instances, and epochs that make a running guest yield, so that the timeout is polled.
pub fn engine_new() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(64 * 1024).async_stack_keep_resident(64 * 1024);
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// What is shared by all components of one module.
pub fn prepare(engine: &Engine, module: &Module) -> Result<InstancePre<()>> {
    Linker::new(engine).instantiate_pre(module)
}

impl Runtime {
    pub async fn new(engine: &Engine, prepared: &InstancePre<()>) -> Result<Runtime> {
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = prepared.instantiate_async(&mut store).await?;
        Runtime::of(store, instance)
    }

    /// A store that never yields: an epoch past the deadline is a trap.
    fn new_sync(engine: &Engine, prepared: &InstancePre<()>) -> Result<Runtime> {
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(1);
        let instance = prepared.instantiate(&mut store)?;
        Runtime::of(store, instance)
    }

    fn of(mut store: Store<()>, instance: Instance) -> Result<Runtime> {
        let memory = instance.get_memory(&mut store, "memory");
        let health = match instance.get_func(&mut store, "_health") {
            Some(func) => Some(func.typed::<(), i32>(&store)?),
            None => None,
        };
        Ok(Runtime { store, memory, health })
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

impl Component {
    pub fn new(timeout: Duration) -> Component {
        Component { state: ActorState::Creating, runtime: None, timeout }
    }

    pub async fn start(&mut self, engine: &Engine, prepared: &InstancePre<()>) -> Result<()> {
        self.state = ActorState::Starting;
        self.runtime = Some(Runtime::new(engine, prepared).await?);
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
    async fn health_check_inner(state: &ActorState, runtime: &mut Option<Runtime>) -> ChildHealth {
        let Some(runtime) = runtime else {
            return ChildHealth::Failed { reason: "WASM runtime not loaded".to_string() };
        };
        if let Some(health) = state_health(state) {
            return health;
        }
        let status = runtime.call_health_export().await.unwrap_or(HealthStatus::Healthy);
        status.into()
    }

    pub fn start_sync(&mut self, engine: &Engine, prepared: &InstancePre<()>) -> Result<()> {
        self.runtime = Some(Runtime::new_sync(engine, prepared)?);
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
        runtime.store.set_epoch_deadline((self.timeout.as_millis() / TICK.as_millis()) as u64 + 1);
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
