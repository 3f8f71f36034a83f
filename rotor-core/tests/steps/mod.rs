//! Counts the instructions that a thread executes, one by one.
//!
//! The processor's trap flag stops the thread after each instruction; the handler of the trap looks
//! at the next one. So this counts what runs, whatever the compiler has inlined, and the same count
//! again in the next run.

#![expect(unsafe_code)]

use std::arch::asm;
use std::cell::Cell;

thread_local! {
    // Without a destructor, so that the handler of the trap only reads and writes memory.
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { all: 0, atomic: 0 }) };
}

/// How many instructions there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub all: u64,
    /// Those that lock the bus.
    pub atomic: u64,
}

/// The trap flag.
const TRAP: i64 = 0x100;

/// Where counting ends by itself: it takes about ten microseconds each.
pub const MOST: u64 = 4_000_000;

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
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let next = registers[libc::REG_RIP as usize] as *const u8;
    // SAFETY: the instruction that the thread goes on with.
    let atomic = unsafe { is_atomic(next) };
    let mut counts = COUNTS.get();
    counts.all += 1;
    counts.atomic += u64::from(atomic);
    COUNTS.set(counts);
    if counts.all == MOST {
        registers[libc::REG_EFL as usize] &= !TRAP;
    }
}

/// Counts from here on, in this thread, until [`stop`].
pub fn begin() {
    // The allocator puts off what it has to do for small pieces that were freed until a large one is asked
    // for, and then does it for ten thousand of them: now, so that it is not counted.
    for _ in 0..100 {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(64 * 1024)));
    }
    COUNTS.set(Counts { all: 0, atomic: 0 });
    // SAFETY: a handler with this signature; it touches nothing but two counters of its thread.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        let set = libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut());
        assert_eq!(set, 0);
        asm!("pushfq", "or qword ptr [rsp], {}", "popfq", const TRAP);
    }
}

/// Counts no further. What there was since [`begin`].
pub fn stop() -> Counts {
    // SAFETY: the trap flag goes back to what it was.
    unsafe { asm!("pushfq", "and qword ptr [rsp], {}", "popfq", const !TRAP) }
    COUNTS.get()
}
