//! Signed records: messages that carry who sent them, while an observer asks for that.
//!
//! A signed record wraps the record of the message: its header has a kind of its own, and a
//! signature stands before the payload. Queues, lanes, parking and parcels see a record like any
//! other.
//!
//! Nobody else pays. A locality whose observer asks for senders hides itself from
//! [`HERE`](crate::here::HERE) during its slices. So each of its sends fails the compare that finds
//! the local lane, finds no batch on the way for messages to elsewhere, and ends here, where only
//! plain threads come otherwise.

#![expect(unsafe_code)]

use std::any::Any;
use std::mem::size_of;
use std::ptr;

use crate::address::Address;
use crate::gate::Gate;
use crate::here::HERE;
use crate::lane::LANES;
use crate::locality::Local;
use crate::message::{Header, INLINE, Kind, LOCALITY, Way, words_for};
use crate::parcel::Parcel;
use crate::queue::{Flat, HEADER, Word, header};

/// What stands before the payload.
#[derive(Clone, Copy)]
#[repr(C)]
struct Signature {
    from: Address,
    /// The kind of the message.
    kind: &'static Kind,
}

/// A payload with its signature.
#[repr(C)]
struct Signed<T>(Signature, T);

const SIGNATURE: usize = size_of::<Signature>() / size_of::<Word>();
/// Words of the longest payload, and how many lengths there are.
const PAYLOAD: usize = INLINE / size_of::<Word>();
const LENGTHS: usize = PAYLOAD + 1;
const WAYS: usize = 3;

/// Words of the longest record.
pub(crate) const LONGEST: usize = HEADER + SIGNATURE + PAYLOAD;

/// The kinds of signed records: one for each way, lane and length, whatever the message.
static KINDS: [[[Kind; LENGTHS]; LANES]; WAYS] = {
    let any = Kind {
        words: 0,
        lane: 0,
        way: Way::Actor,
        run,
        discard,
        name: std::any::type_name::<Signature>,
        look,
        topic,
    };
    let mut all = [[[any; LENGTHS]; LANES]; WAYS];
    let mut i = 0;
    while i < WAYS * LANES * LENGTHS {
        let (way, lane, payload) = (i / (LANES * LENGTHS), i / LENGTHS % LANES, i % LENGTHS);
        let kind = &mut all[way][lane][payload];
        kind.words = (HEADER + SIGNATURE + payload) as u32;
        kind.lane = lane as u8;
        kind.way = [Way::Actor, Way::Own, Way::Address][way];
        i += 1;
    }
    all
};

fn kind_for(kind: &Kind) -> &'static Kind {
    let way = match kind.way {
        Way::Actor => 0,
        Way::Own => 1,
        Way::Address => 2,
    };
    &KINDS[way][kind.lane as usize][kind.words as usize - HEADER]
}

fn is_signed(kind: &'static Kind) -> bool {
    let all = KINDS.as_flattened().as_flattened().as_ptr_range();
    all.contains(&ptr::from_ref(kind))
}

fn sign<T>(from: Address, head: Header, value: T) -> (Header, Signed<T>) {
    let kind = kind_for(head.kind);
    let signature = Signature {
        from,
        kind: head.kind,
    };
    (Header { kind, ..head }, Signed(signature, value))
}

/// The locality that signs what it sends, if its slice runs on this thread.
fn signing<R>(f: impl FnOnce(Option<&Local>) -> R) -> R {
    let local = HERE.with(|here| here.signing.get());
    // SAFETY: a slice of this locality runs on this thread, which keeps it.
    f(unsafe { local.as_ref() })
}

/// Whose code runs in a locality that signs.
fn sender(local: &Local) -> Option<Address> {
    match local.running_slot() {
        // Core passes on what an actor has published.
        LOCALITY => local.sender.get(),
        slot => Some(local.address_of(slot)),
    }
}

/// Appends a record to a lane of this thread, signed if the locality that runs signs.
#[inline(never)]
pub(crate) fn push_here<T>(to: &Local, lane: usize, head: Header, value: T) {
    let from = signing(|local| local.filter(|_| !head.is_control()).and_then(sender));
    if to.is_behind() {
        return to.push_behind(lane, from, head, value);
    }
    match from {
        None => to.push(lane, head, value),
        Some(from) => {
            let (head, value) = sign(from, head, value);
            to.push(lane, head, value);
        }
    }
}

/// Sends a record to another thread: from outside, or from a locality that signs.
#[inline(never)]
pub(crate) fn push_away<T>(to: &'static Gate, lane: usize, head: Header, value: T) {
    signing(|local| {
        let Some(local) = local else {
            return to.push(lane, Parcel::of(head, value));
        };
        match sender(local).filter(|_| !head.is_control()) {
            None => local.push_outbox(to, lane, head, value),
            Some(from) => {
                let (head, value) = sign(from, head, value);
                local.push_outbox(to, lane, head, value);
            }
        }
    });
}

/// Appends a record, signed if the sender is known.
pub(crate) fn push_into<T>(to: &Flat, from: Option<Address>, head: Header, value: T) {
    match from {
        None => to.push(head, value),
        Some(from) => {
            let (head, value) = sign(from, head, value);
            to.push(head, value);
        }
    }
}

/// Who sends what this thread sends now, if that is to be known.
pub(crate) fn sender_here() -> Option<Address> {
    signing(|local| local.and_then(sender))
}

/// A record of its own, signed if the sender is known.
pub(crate) fn record<T>(from: Option<Address>, head: Header, value: T) -> [Word; LONGEST] {
    match from {
        None => written(head, value),
        Some(from) => {
            let (head, value) = sign(from, head, value);
            written(head, value)
        }
    }
}

/// A copy of a record, out of its queue.
///
/// # Safety
/// `at` is a record, which nobody uses again.
pub(crate) unsafe fn copied(at: *const Word) -> [Word; LONGEST] {
    let mut record = [Word::uninit(); LONGEST];
    // SAFETY: no record is longer than `LONGEST`.
    unsafe {
        let words = header(at).kind.words as usize;
        ptr::copy_nonoverlapping(at, record.as_mut_ptr(), words);
    }
    record
}

/// A record of its own.
pub(crate) fn written<T>(head: Header, value: T) -> [Word; LONGEST] {
    let fits = words_for::<T>() as usize <= LONGEST;
    assert!(fits, "what is longer lies in a box");
    let mut record = [Word::uninit(); LONGEST];
    let at = record.as_mut_ptr();
    // SAFETY: the record is long enough for the header and a `T`.
    unsafe {
        at.cast::<Header>().write(head);
        at.add(HEADER).cast::<T>().write(value);
    }
    record
}

/// Kind and payload of the message in a record, and who sent it.
///
/// # Safety
/// `at` is a record; its payload may be gone.
pub(crate) unsafe fn open(at: *mut Word) -> (&'static Kind, *mut Word, Option<Address>) {
    // SAFETY: as the caller says; a signed record has a signature, then the payload.
    unsafe {
        let (kind, payload) = (header(at).kind, at.add(HEADER));
        if !is_signed(kind) {
            return (kind, payload, None);
        }
        let Signature { from, kind } = payload.cast::<Signature>().read();
        (kind, payload.add(SIGNATURE), Some(from))
    }
}

/// How the type of the message in a record is named. Its payload may be gone.
///
/// # Safety
/// `at` is a record.
pub(crate) unsafe fn name(at: *mut Word) -> fn() -> &'static str {
    // SAFETY: as the caller says; a signature stays where it is.
    unsafe { open(at) }.0.name
}

/// As [`Kind::run`].
unsafe fn run(at: *mut Word, actor: *mut (), here: &Local, slot: u32) -> usize {
    // SAFETY: a record of this kind has a signature before its payload.
    let Signature { from, kind } = unsafe { at.add(HEADER).cast::<Signature>().read() };
    // Of what is published it may be one message of many.
    let before = here.sender.replace(Some(from));
    // SAFETY: the payload is of this kind, and lies as far behind this as behind its header; the
    // rest is as the caller says.
    let bytes = unsafe { (kind.run)(at.add(SIGNATURE), actor, here, slot) };
    here.sender.set(before);
    bytes + size_of::<Signature>()
}

unsafe fn discard(payload: *mut Word) {
    // SAFETY: as in `run`.
    unsafe {
        let kind = payload.cast::<Signature>().read().kind;
        (kind.discard)(payload.add(SIGNATURE));
    }
}

unsafe fn look(payload: *mut Word) -> *const dyn Any {
    // SAFETY: as in `run`.
    unsafe {
        let kind = payload.cast::<Signature>().read().kind;
        (kind.look)(payload.add(SIGNATURE))
    }
}

unsafe fn topic(payload: *mut Word) -> Option<Address> {
    // SAFETY: as in `run`.
    unsafe {
        let kind = payload.cast::<Signature>().read().kind;
        (kind.topic)(payload.add(SIGNATURE))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::observe::{Reason, Undeliverable};
    use crate::sim::Sim;
    use crate::{Actor, Child, Context, Handler, Hook, Observer, Result, Supervisor, Topic};

    /// Cannot be copied twice.
    struct Frail(Arc<AtomicU32>);
    impl Clone for Frail {
        fn clone(&self) -> Self {
            assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "on purpose");
            Frail(self.0.clone())
        }
    }

    struct Reader(Topic<Frail>);
    impl Actor for Reader {
        fn start(&mut self, cx: &mut Context<Self>) -> Result {
            cx.subscribe(self.0);
            Ok(())
        }
    }
    impl Handler<Frail> for Reader {
        fn handle(&mut self, _: Frail, _: &mut Context<Self>) {}
    }
    struct Writer(Topic<Frail>);
    impl Actor for Writer {}
    impl Handler<()> for Writer {
        fn handle(&mut self, (): (), _: &mut Context<Self>) {
            self.0.publish(Frail(Arc::default()));
        }
    }
    struct Nods;
    impl Hook<Reader> for Nods {}

    #[derive(Default)]
    struct Seen(Mutex<Vec<(Reason, Option<Address>)>>);
    impl Observer for Seen {
        fn wants_sender(&self) -> bool {
            true
        }
        fn undelivered(&self, what: &Undeliverable) {
            self.0.lock().unwrap().push((what.reason, what.from));
        }
    }

    /// A hook has it handled as a message of its own, in the midst of what is published.
    #[test]
    fn the_sender_of_what_is_published_is_known_behind_a_subscriber_with_a_hook() {
        let (mut sim, seen) = (Sim::new(1), Arc::new(Seen::default()));
        let here = sim.locality("here");
        let (topic, writer) = (here.topic(), here.reserve());
        let reader = |name| Child::new(name, move || Reader(topic));
        let tree = Supervisor::one_for_one("app")
            .observer(seen.clone())
            .child(reader("one").hook(Nods))
            .child(reader("two"))
            .child(reader("three"))
            .child(Child::new("writer", move || Writer(topic)).at(writer));
        sim.start(tree).expect("a sound tree");
        writer.send(());
        sim.run_until_idle();
        let writer = Some(writer.address());
        assert_eq!(*seen.0.lock().unwrap(), [(Reason::Uncloned, writer)]);
    }

    #[test]
    fn every_way_lane_and_length_has_a_kind() {
        for way in [Way::Actor, Way::Own, Way::Address] {
            for lane in 0..LANES {
                for payload in 0..LENGTHS {
                    let plain = Kind {
                        words: (HEADER + payload) as u32,
                        lane: lane as u8,
                        way,
                        ..KINDS[0][0][0]
                    };
                    let signed = kind_for(&plain);
                    assert!(is_signed(signed));
                    assert_eq!(signed.words as usize, HEADER + SIGNATURE + payload);
                    assert_eq!((signed.lane, signed.way), (plain.lane, plain.way));
                }
            }
        }
    }
}
