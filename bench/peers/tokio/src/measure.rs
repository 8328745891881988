//! How both programs measure; bench/measure.c is the same in C.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mimalloc::MiMalloc;

/// Counts allocations while it is told to; at other times nothing is written that threads share.
/// With a plain load and store: no locked instruction, so that counting costs the peer nothing.
/// Exact as long as one thread allocates, which is so while it counts.
pub struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[inline]
fn count() {
    if COUNTING.load(Relaxed) {
        ALLOCATIONS.store(ALLOCATIONS.load(Relaxed) + 1, Relaxed);
    }
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { MiMalloc.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { MiMalloc.dealloc(memory, layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { MiMalloc.realloc(memory, layout, size) }
    }
}

/// From now on.
pub fn allocations_count() {
    ALLOCATIONS.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
}

/// Since then; they are not counted any more.
pub fn allocations_counted() -> u64 {
    COUNTING.store(false, Relaxed);
    ALLOCATIONS.load(Relaxed)
}

#[cfg(target_arch = "x86_64")]
mod ticks {
    use std::arch::x86_64::{__rdtscp, _mm_lfence, _rdtsc};

    /// Everything before has finished when the counter is read, and nothing after has begun.
    #[inline(always)]
    pub fn begin() -> u64 {
        unsafe {
            _mm_lfence();
            let ticks = _rdtsc();
            _mm_lfence();
            ticks
        }
    }

    #[inline(always)]
    pub fn end() -> u64 {
        let mut cpu = 0;
        unsafe {
            let ticks = __rdtscp(&mut cpu);
            _mm_lfence();
            ticks
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod ticks {
    use std::sync::LazyLock;
    use std::time::Instant;

    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub fn begin() -> u64 {
        EPOCH.elapsed().as_nanos() as u64
    }

    pub fn end() -> u64 {
        begin()
    }
}

macro_rules! sample {
    ($clock:expr, $count:expr, $group:expr, $op:expr) => {{
        let mut ticks = vec![0u64; $count];
        for slot in ticks.iter_mut() {
            let begin = ticks::begin();
            for _ in 0..$group {
                $op;
            }
            *slot = ticks::end() - begin;
        }
        $clock.sorted_ns(ticks, $group)
    }};
}

pub struct Clock {
    ns_per_tick: f64,
    overhead: u64,
}

impl Clock {
    /// The counter's rate, and what an empty measurement reads: its median.
    pub fn new() -> Clock {
        let (start, ticks) = (Instant::now(), ticks::begin());
        std::thread::sleep(Duration::from_millis(50));
        let (span, ticks) = (start.elapsed(), ticks::end() - ticks);
        let mut empty: Vec<u64> = (0..10_001)
            .map(|_| {
                let begin = ticks::begin();
                ticks::end() - begin
            })
            .collect();
        empty.sort_unstable();
        Clock {
            ns_per_tick: span.as_nanos() as f64 / ticks as f64,
            overhead: empty[empty.len() / 2],
        }
    }

    /// Nanoseconds of one of `group` operations that took `ticks` together.
    fn each_ns(&self, ticks: u64, group: usize) -> f64 {
        ticks.saturating_sub(self.overhead) as f64 * self.ns_per_tick / group as f64
    }

    /// Times `count` samples of `group` operations each; sorted.
    pub async fn sample(&self, count: usize, group: usize, mut op: impl AsyncFnMut()) -> Vec<f64> {
        sample!(self, count, group, op().await)
    }

    pub fn sample_sync(&self, count: usize, group: usize, mut op: impl FnMut()) -> Vec<f64> {
        sample!(self, count, group, op())
    }

    /// An operation that borrows nothing: the whole of it may be spawned.
    async fn sample_owned<F: Future>(
        &self,
        count: usize,
        group: usize,
        op: &impl Fn() -> F,
    ) -> Vec<f64> {
        sample!(self, count, group, drop(op().await))
    }

    fn sorted_ns(&self, mut ticks: Vec<u64>, group: usize) -> Vec<f64> {
        ticks.sort_unstable();
        ticks.into_iter().map(|each| self.each_ns(each, group)).collect()
    }
}

/// Operations of one sample where single ones are shorter than the counter's step, which is 10 ns
/// on many machines.
const GROUP: usize = 16;

pub struct Figures {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub mean: f64,
    pub single_p50: f64,
    pub samples: usize,
}

impl Figures {
    /// Of single operations, sorted.
    pub fn of(single: &[f64]) -> Figures {
        Figures {
            p50: percentile(single, 0.5),
            p99: percentile(single, 0.99),
            p999: percentile(single, 0.999),
            mean: mean(single),
            single_p50: percentile(single, 0.5),
            samples: single.len(),
        }
    }

    /// Of these, in any order.
    pub fn of_values(mut values: Vec<f64>) -> Figures {
        values.sort_unstable_by(f64::total_cmp);
        Figures::of(&values)
    }

    pub fn print(&self, peer: &str, name: &str, unit: &str) {
        println!(
            "{{\"peer\":\"{peer}\",\"name\":\"{name}\",\"unit\":\"{unit}\",\"p50\":{:.3},\"p99\":{:.3},\"p999\":{:.3},\"mean\":{:.3},\"single_p50\":{:.3},\"samples\":{}}}",
            self.p50, self.p99, self.p999, self.mean, self.single_p50, self.samples
        );
    }
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted[at.min(sorted.len() - 1)]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// P50 and the mean from groups, P99 and P99.9 from single operations.
pub async fn figures(clock: &Clock, count: usize, mut op: impl AsyncFnMut()) -> Figures {
    clock.sample(count / 10 + 1, 1, &mut op).await;
    let single = clock.sample(count, 1, &mut op).await;
    let group = clock.sample(count / GROUP + 1, GROUP, &mut op).await;
    Figures { p50: percentile(&group, 0.5), mean: mean(&group), ..Figures::of(&single) }
}

/// The same for what never waits; not async, so that no state machine stands in the loop.
pub fn figures_sync(clock: &Clock, count: usize, mut op: impl FnMut()) -> Figures {
    clock.sample_sync(count / 10 + 1, 1, &mut op);
    let single = clock.sample_sync(count, 1, &mut op);
    let group = clock.sample_sync(count / GROUP + 1, GROUP, &mut op);
    Figures { p50: percentile(&group, 0.5), mean: mean(&group), ..Figures::of(&single) }
}

/// The same as a task of its own, which asks others.
pub async fn figures_owned<F: Future>(clock: &Clock, count: usize, op: impl Fn() -> F) -> Figures {
    clock.sample_owned(count / 10 + 1, 1, &op).await;
    let single = clock.sample_owned(count, 1, &op).await;
    let group = clock.sample_owned(count / GROUP + 1, GROUP, &op).await;
    Figures { p50: percentile(&group, 0.5), mean: mean(&group), ..Figures::of(&single) }
}
