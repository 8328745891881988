//! Wasmtime's C API as one static library, and the shims where that API has no way.
pub use wasmtime_c_api::*;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;
use tokio::runtime::{Builder, EnterGuard, Runtime};

static REACTOR: OnceLock<Option<Runtime>> = OnceLock::new();

// Never dropped: at the end of a thread the reactor's own thread-local state is destroyed first, and
// leaving it then panics, which ends the process.
thread_local! {
    static ENTERED: RefCell<Option<ManuallyDrop<EnterGuard<'static>>>> = const { RefCell::new(None) };
}

/// Makes the calling thread able to poll WASI preview 2 futures, for as long as the thread lives.
/// Without it, a component that sleeps ends the process: "there is no reactor running".
/// Idempotent. Returns false when the reactor's thread could not be started.
#[no_mangle]
pub extern "C" fn ward_engine_enter_reactor() -> bool {
    let reactor = REACTOR.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ward-reactor")
            .enable_all()
            .build()
            .ok()
    });
    let Some(runtime) = reactor.as_ref() else {
        return false;
    };
    ENTERED.with(|slot| {
        slot.borrow_mut()
            .get_or_insert_with(|| ManuallyDrop::new(runtime.enter()));
    });
    true
}

/// Bounds what one call copies between a guest and the host, in bytes of the host's: of an answer,
/// a byte of a list costs 32. The engine's own 128 MiB hold a thread for most of a second, while
/// which no deadline ends it.
#[no_mangle]
pub extern "C" fn ward_engine_copy_bytes_max(mut context: WasmtimeStoreContextMut<'_>, bytes: usize) {
    context.set_hostcall_fuel(bytes);
}
