//! What a message between two actors of one locality executes: no atomic operation.
//!
//! The processor's trap flag stops the thread after each instruction; the handler of the trap looks
//! at the next one. So this counts what runs, whatever the compiler has inlined.

#![cfg(all(
    target_os = "linux",
    target_arch = "x86_64",
    not(miri),
    not(rotor_loom)
))]

use std::arch::asm;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rotor_core::*;

static STEPS: AtomicU64 = AtomicU64::new(0);
static ATOMICS: AtomicU64 = AtomicU64::new(0);

/// Whether the instruction at `at` locks the bus: it has a lock prefix, or exchanges with memory.
///
/// # Safety
/// `at` is the address of an instruction.
unsafe fn is_atomic(at: *const u8) -> bool {
    let mut at = at;
    loop {
        // SAFETY: prefixes are followed by the rest of their instruction.
        let (byte, next) = unsafe { (at.read(), at.add(1)) };
        match byte {
            0xF0 => return true,
            // Other prefixes: segments, sizes, repeats, and REX.
            0x26 | 0x2E | 0x36 | 0x3E | 0x64..=0x67 | 0xF2 | 0xF3 | 0x40..=0x4F => at = next,
            // XCHG, unless its other operand is a register.
            // SAFETY: as above.
            0x86 | 0x87 => return unsafe { next.read() } < 0xC0,
            _ => return false,
        }
    }
}

extern "C" fn on_trap(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system gives the interrupted thread's registers.
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let next = registers[libc::REG_RIP as usize] as *const u8;
    STEPS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the instruction that the thread goes on with.
    if unsafe { is_atomic(next) } {
        ATOMICS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts from here on, in this thread.
fn count_steps() {
    // SAFETY: a handler with this signature; it touches nothing but two counters.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut()),
            0
        );
        // The trap flag is bit 8.
        asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq");
    }
}

fn stop_counting() {
    // SAFETY: the trap flag goes back to what it was.
    unsafe { asm!("pushfq", "and qword ptr [rsp], ~0x100", "popfq") }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

struct Player {
    other: Addr<Player>,
    /// Counted from the first message, which has the queue grow, to this one.
    last: u64,
    /// Something of its own to do.
    work: fn(),
}

impl Actor for Player {}

impl Handler<u64> for Player {
    fn handle(&mut self, n: u64, _: &mut Context<Self>) {
        if n == 1 {
            count_steps();
        }
        if n == self.last {
            return stop_counting();
        }
        (self.work)();
        self.other.send(n + 1);
    }
}

/// Instructions and atomic ones, of a game of so many messages.
fn play(messages: u64, work: fn()) -> (u64, u64) {
    // Time stands still, or this slow motion would end the turn after a few messages.
    let driver = Driver::new(Arc::new(Nobody), Clock::manual());
    let here = Locality::new("here");
    driver.open(&here).unwrap();
    let (ping, pong) = (here.reserve(), here.reserve());
    let last = 1 + messages;
    let player = move |other| move || Player { other, last, work };
    let tree = Supervisor::one_for_one("game")
        .child(Child::new("ping", player(pong)).at(ping))
        .child(Child::new("pong", player(ping)).at(pong));
    driver.start(tree).unwrap();
    driver.run_until_idle();
    let count = || {
        (
            STEPS.load(Ordering::Relaxed),
            ATOMICS.load(Ordering::Relaxed),
        )
    };
    let before = count();
    ping.send(0);
    driver.run_until_idle();
    let after = count();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn e17_a_message_within_a_locality_executes_no_atomic_operation() {
    // More messages than there are between two reads of the clock.
    let (steps, atomics) = play(260, || ());
    println!("{steps} instructions for 260 messages, {atomics} of them atomic");
    assert_eq!(atomics, 0);
    // One for each message would be seen.
    static OWN: AtomicU64 = AtomicU64::new(0);
    let work = || {
        OWN.fetch_add(1, Ordering::Relaxed);
    };
    assert_eq!(play(10, work).1, 10);
}
