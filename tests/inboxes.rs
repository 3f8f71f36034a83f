//! Plain threads receive: alone, several at once, from several inboxes, and until somebody closes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Instant;

use rotor_core::*;

use crate::backend::Backend;
use crate::harness::bodies;
use crate::log::Log;
use crate::puppet::*;
use crate::requests::wait;

/// Whether an inbox has refused that many. It may have refused more: the gate that it got was another
/// one's in a test beside this one, and what is late for that is refused here.
fn has_refused<M: Send + 'static>(inbox: &Inbox<M>, at_least: u64) -> bool {
    inbox.refused() >= at_least
}

/// Runs a tree whose only actor does something, and ends.
fn with_actor(
    on: &dyn Backend,
    log: &Log,
    f: impl FnOnce(&mut Puppet, &mut Context<Puppet>) + Send + 'static,
) {
    on.run_clean(log, |here| {
        let a = here.reserve();
        act(a, f);
        act(a, |_, cx| cx.stop());
        stage().child(lead("a", log).at(a))
    });
}

/// Made on one thread, used on another one.
fn a29_a_plain_thread_receives_through_an_inbox(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<u32>::new(16);
    let to = inbox.recipient();
    let said = log.clone();
    let thread = thread::spawn(move || {
        for _ in 0..5 {
            said.put(inbox.recv().unwrap().to_string());
        }
        said.put(format!(
            "{:?} {:?}",
            inbox.try_recv(),
            inbox.recv_within(ms(1))
        ));
        said.put("waits");
        said.put(format!("{:?}", inbox.recv_within(LONG)));
    });
    let later = to;
    with_actor(on, &log, move |_, _| (0..5).for_each(|n| to.send(n)));
    log.wait_for("waits");
    later.send(5);
    thread.join().unwrap();
    assert_eq!(log.all()[..5], ["0", "1", "2", "3", "4"]);
    assert_eq!(log.all()[5..], ["Err(Empty) Err(Empty)", "waits", "Ok(5)"]);
}

/// A loop of the program's own does what a receive with many settings would do.
fn c_so_49_a_loop_receives_a_number_until_a_pause_a_time_or_a_word(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<u32>::new(64);
    let to = inbox.recipient();
    let (go, gone) = mpsc::channel();
    let thread = thread::spawn(move || {
        // As many as this.
        let first: Vec<u32> = (0..3).map_while(|_| inbox.recv().ok()).collect();
        assert_eq!(first, [0, 1, 2]);
        // Until one says so.
        let mut more = Vec::new();
        while let Ok(n) = inbox.recv()
            && n != 6
        {
            more.push(n);
        }
        assert_eq!(more, [3, 4, 5]);
        // Until none comes for a while.
        let mut rest = 0;
        while inbox.recv_within(ms(2)).is_ok() {
            rest += 1;
        }
        assert_eq!(rest, 3);
        // For so long in all, however many come.
        let until = Instant::now() + ms(2);
        let flood = thread::spawn(move || while to.try_send(7).is_ok() {});
        while let Ok(n) = inbox.recv_within(until.saturating_duration_since(Instant::now())) {
            assert_eq!(n, 7);
            if Instant::now() >= until {
                break;
            }
        }
        assert!(Instant::now() >= until);
        inbox.close();
        flood.join().unwrap();
        go.send(()).unwrap();
    });
    with_actor(on, &log, move |_, _| (0..10).for_each(|n| to.send(n)));
    gone.recv().unwrap();
    thread.join().unwrap();
}

/// Closed, it keeps what it has; what comes later is refused, and handed back if asked for.
fn c_so_50_a_closed_inbox_keeps_what_it_has(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Arc::new(Inbox::<Num>::new(64));
    let mine = inbox.clone();
    with_actor(on, &log, move |me, cx| {
        let to = mine.recipient();
        (0..3).for_each(|n| to.send(Num(n)));
        cx.flush();
        mine.close();
        to.send(Num(3));
        let back = to.try_send(Num(4)).unwrap_err();
        me.say(format!("{:?} {:?}", back.message, back.reason));
        mine.close();
    });
    for n in 0..3 {
        assert_eq!(inbox.recv(), Ok(Num(n)));
    }
    assert_eq!(inbox.recv(), Err(RecvError::Closed));
    assert_eq!(inbox.try_recv(), Err(RecvError::Closed));
    assert!(has_refused(&inbox, 1));
    assert_eq!(inbox.recipient().address().state(), Lifecycle::Gone);
    assert_eq!(log.all(), ["a: Num(4) Closed"]);
}

/// Dropped, it drops what it has: requests in it fail, and who watches it learns it.
fn c_so_50_a_dropped_inbox_drops_what_it_has(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Ask<Double>>::new(64);
    let to = inbox.recipient();
    let (asked, drops) = mpsc::channel();
    let thread = thread::spawn(move || {
        drops.recv().unwrap();
        assert_eq!(to.address().state(), Lifecycle::Running);
        drop(inbox);
    });
    on.run(|here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            cx.monitor(to.address());
            for n in 0..2 {
                cx.request_from(to, Double(n), LONG, move |me, reply, cx| {
                    me.say(format!("{n} {}", reply.unwrap_err()));
                    if n == 1 {
                        // Behind the news of its end.
                        later(cx, ms(1), look);
                    }
                });
            }
            cx.flush();
            asked.send(()).unwrap();
        });
        fn look(me: &mut Puppet, cx: &mut Context<Puppet>) {
            match me.log.count("a: down") {
                0 => drop(later(cx, ms(1), look)),
                _ => cx.stop(),
            }
        }
        stage().child(lead("a", &log).at(a))
    });
    thread.join().unwrap();
    let mut all = log.all();
    all.sort();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[0].starts_with("a: 0 "), "{all:?}");
    assert!(all[1].starts_with("a: 1 "), "{all:?}");
    assert!(all[2].starts_with("a: down "), "{all:?}");
}

/// Threads that wait for one inbox: each message is for one of them, a close for all.
fn c_so_51_all_threads_that_wait_wake_when_an_inbox_closes(on: &dyn Backend) {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 50;
    let log = Log::new();
    let inbox = Arc::new(Inbox::<u32>::new(usize::MAX));
    let together = Arc::new(Barrier::new(THREADS as usize + 1));
    let receive = |inbox: Arc<Inbox<u32>>, together: Arc<Barrier>| {
        let mut sum = 0;
        loop {
            match inbox.recv() {
                Ok(n) => sum += n,
                Err(why) => return (sum, why),
            }
            // Nobody takes two while another one waits.
            together.wait();
        }
    };
    let all: Vec<_> = (0..THREADS)
        .map(|_| {
            let (inbox, together) = (inbox.clone(), together.clone());
            thread::spawn(move || receive(inbox, together))
        })
        .collect();
    with_actor(on, &log, move |_, cx| {
        for round in 0..ROUNDS {
            for n in 0..THREADS {
                inbox.recipient().send(round * THREADS + n);
                if round % 2 == 0 {
                    cx.flush(); // else all at once
                }
            }
            cx.flush();
            together.wait();
        }
        // They wait again, or are about to.
        (0..100).for_each(|_| thread::yield_now());
        inbox.close();
    });
    let (mut sum, last) = (0, THREADS * ROUNDS - 1);
    for thread in all {
        let (part, why) = thread.join().unwrap();
        assert_eq!(why, RecvError::Closed);
        sum += part;
    }
    assert_eq!(sum, last * (last + 1) / 2);
}

/// At the bound: dropped and counted, handed back, or the oldest is taken out first.
fn c_so_53_a_full_inbox_refuses_the_newest_or_gives_up_the_oldest(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<u32>::new(2);
    let to = inbox.recipient();
    let (more, rest) = mpsc::channel();
    let thread = thread::spawn(move || {
        // Full, and waits for room.
        rest.recv().unwrap();
        assert!(has_refused(&inbox, 2));
        assert_eq!(inbox.recv(), Ok(0));
        let again = to.try_send(9).and_then(|()| to.try_send(10));
        assert_eq!(again.unwrap_err().message, 10);
        // The oldest makes room for the newest.
        while let Err(back) = to.try_send(11) {
            assert_eq!(back.reason, Reason::Full);
            assert_eq!(inbox.try_recv(), Ok(1));
        }
        assert_eq!([inbox.recv(), inbox.recv()], [Ok(9), Ok(11)]);
        assert!(has_refused(&inbox, 2));
        inbox.try_recv()
    });
    with_actor(on, &log, move |_, cx| {
        for n in 0..4 {
            to.send(n);
            cx.flush();
        }
        assert_eq!(to.try_send(4).unwrap_err().reason, Reason::Full);
        more.send(()).unwrap();
    });
    assert_eq!(thread.join().unwrap(), Err(RecvError::Empty));
}

/// Counts wakes.
#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Once for each time it was seen empty, and for its end.
fn c_so_54_an_inbox_wakes_when_it_is_empty_no_more(on: &dyn Backend) {
    let log = Log::new();
    let count = Arc::new(Count::default());
    let inbox = Arc::new(Inbox::<u32>::with_wake(64, count.clone()));
    let (mine, seen) = (inbox.clone(), count.clone());
    with_actor(on, &log, move |me, cx| {
        let to = mine.recipient();
        let mut put = |n: u32| {
            to.send(n);
            cx.flush();
            me.say(format!("{n}: {}", seen.0.load(Ordering::SeqCst)));
        };
        put(1); // it was empty from the beginning
        put(2);
        assert_eq!(mine.try_recv(), Ok(1));
        put(3); // not seen empty yet
        assert_eq!([mine.try_recv(), mine.try_recv()], [Ok(2), Ok(3)]);
        put(4); // empty, but nobody has seen it
        assert_eq!(mine.try_recv(), Ok(4));
        assert_eq!(mine.try_recv(), Err(RecvError::Empty));
        put(5);
        put(6);
    });
    assert_eq!(
        log.all(),
        [
            "a: 1: 1", "a: 2: 1", "a: 3: 1", "a: 4: 1", "a: 5: 2", "a: 6: 2"
        ]
    );
    inbox.close();
    assert_eq!(count.0.load(Ordering::SeqCst), 3);
}

/// Also when its scope is left by a panic.
fn c_so_55_an_inbox_ends_with_its_scope(on: &dyn Backend) {
    let log = Log::new();
    let (told, whom) = mpsc::channel();
    let thread = thread::spawn(move || {
        let inbox = Inbox::<Say>::new(4);
        told.send(inbox.recipient()).unwrap();
        assert_eq!(inbox.recv(), Ok(Say("panic")));
        panic!("as told");
    });
    let to = whom.recv().unwrap();
    with_actor(on, &log, move |me, cx| {
        to.send(Say("panic"));
        cx.flush();
        assert!(thread.join().is_err());
        // Nothing is sent: another inbox may have got its gate meanwhile.
        me.say(format!("{:?}", to.address().state()));
    });
    assert_eq!(log.all(), ["a: Gone"]);
}

/// While it lives it is not down, whatever it receives; its end is one in order.
fn l12_a_monitor_of_an_inbox_is_told_of_its_end_in_order(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Say>::new(4);
    let to = inbox.recipient();
    on.run_clean(&log, |here| {
        let a = here.reserve();
        act(a, move |_, cx| {
            cx.monitor(to.address());
            let early = cx.monitor(to.address());
            cx.flush();
            assert_eq!(inbox.try_recv(), Err(RecvError::Empty)); // it sees both
            assert!(cx.cancel(early));
            to.send(Say("news"));
            cx.flush();
            act(a, move |me, cx| {
                assert_eq!(inbox.try_recv(), Ok(Say("news")));
                me.say("received");
                a.send(Say("later"));
                act(a, move |_, cx| {
                    // One that the inbox has not seen, and one that it has.
                    cx.monitor(to.address());
                    cx.flush();
                    drop(inbox);
                });
                when(cx.addr(), (2, "a: down"), |_, cx| cx.stop());
            });
        });
        stage().child(lead("a", &log).at(a))
    });
    assert_eq!(
        log.all(),
        [
            "a: received",
            "a: later",
            "a: down normal",
            "a: down normal"
        ]
    );
}

/// Inboxes of different messages, and one thread that parks.
fn a29_a_thread_waits_for_several_inboxes_at_once(on: &dyn Backend) {
    let log = Log::new();
    let (told, whom) = mpsc::channel();
    let said = log.clone();
    let thread = thread::spawn(move || {
        let this = Arc::new(thread::current());
        let words = Inbox::<Say>::with_wake(256, this.clone());
        let numbers = Inbox::<Num>::with_wake(256, this);
        told.send((words.recipient(), numbers.recipient())).unwrap();
        let mut sum = 0;
        loop {
            match (words.try_recv(), numbers.try_recv()) {
                (Err(_), Err(_)) => thread::park(),
                (word, number) => {
                    sum += number.map_or(0, |Num(n)| n);
                    if let Ok(Say(text)) = word {
                        said.put(text);
                        if text == "end" && sum == 4950 {
                            return;
                        }
                    }
                }
            }
        }
    });
    let (words, numbers) = whom.recv().unwrap();
    with_actor(on, &log, move |_, cx| {
        words.send(Say("begin"));
        for n in 0..100 {
            numbers.send(Num(n));
            cx.flush();
        }
        // Another inbox: it may overtake the last numbers.
        while !thread.is_finished() {
            words.send(Say("end"));
            cx.flush();
            thread::yield_now();
        }
        thread.join().unwrap();
    });
    assert_eq!(log.all()[0], "begin");
}

/// Who watches it, and how long somebody waits for an answer, is not what it is for.
fn a29_what_core_asks_of_an_inbox_takes_no_room(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Ask<Double>>::new(2);
    let to = inbox.recipient();
    with_actor(on, &log, move |_, cx| {
        (0..5).for_each(|_| drop(cx.monitor(to.address())));
    });
    for _ in 0..2 {
        let asking = [1, 2].map(|n| to.ask(Double(n), LONG));
        let third = wait(to.ask(Double(3), LONG));
        assert!(matches!(third, Err(RequestError::Full)), "{third:?}");
        for n in [1, 2] {
            let question = inbox.try_recv().unwrap();
            assert_eq!(question.request.0, n);
            question.reply(2 * n);
        }
        assert!(inbox.try_recv().is_err());
        assert_eq!(asking.map(|asking| wait(asking).unwrap()), [2, 4]);
    }
}

/// A plain thread that answers, as an actor does.
fn a29_an_inbox_of_requests_answers(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Ask<Double>>::new(16);
    let to = inbox.recipient();
    let thread = thread::spawn(move || {
        for _ in 0..100 {
            let ask = inbox.recv().unwrap();
            let n = ask.request.0;
            ask.reply(2 * n);
        }
    });
    on.run_clean(&log, |here| {
        let a = here.reserve();
        fn next(cx: &mut Context<Puppet>, to: Recipient<Ask<Double>>, n: u32) {
            cx.request_from(to, Double(n), LONG, move |me, reply, cx| {
                assert_eq!(reply.unwrap(), 2 * n);
                if n < 99 {
                    return next(cx, to, n + 1);
                }
                me.say("answered");
                cx.stop();
            });
        }
        act(a, move |_, cx| next(cx, to, 0));
        stage().child(lead("a", &log).at(a))
    });
    thread.join().unwrap();
    assert_eq!(log.all(), ["a: answered"]);
}

/// Whoever receives keeps their limits.
fn a29_a_plain_thread_asks_an_inbox_with_a_future(_: &dyn Backend) {
    let inbox = Inbox::<Ask<Double>>::new(16);
    let to = inbox.recipient();
    let ask =
        |limit| thread::spawn(move || wait(to.ask(Double(4), limit)).map_err(|e| e.to_string()));
    // Looked for again, its limit has come too; that one is in time.
    let answered = ask(LONG);
    let question = inbox.recv().unwrap();
    assert!(inbox.recv_within(ms(1)).is_err());
    question.reply(8);
    assert_eq!(answered.join().unwrap(), Ok(8));
    let late = ask(ms(1));
    let question = inbox.recv().unwrap();
    while !late.is_finished() {
        assert!(inbox.recv_within(ms(20)).is_err());
    }
    let error = late.join().unwrap().unwrap_err();
    assert_eq!(error, "no answer within the time limit");
    drop(question);
    let last = ask(LONG);
    let question = inbox.recv().unwrap();
    assert!(inbox.recv_within(ms(1)).is_err());
    drop(inbox);
    assert_eq!(last.join().unwrap().unwrap_err(), "the actor is gone");
    drop(question);
}

/// Sent is received and refused, whoever closes it while senders are at it.
fn a29_between_senders_and_a_close_nothing_is_lost(on: &dyn Backend) {
    struct Coin(Arc<AtomicU32>);
    impl Drop for Coin {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    const EACH: u32 = 1000;
    let (log, dropped) = (Log::new(), Arc::new(AtomicU32::new(0)));
    let inbox = Inbox::<Coin>::new(300);
    let (to, begin) = (inbox.recipient(), Arc::new(Barrier::new(4)));
    let senders: Vec<_> = (0..3)
        .map(|_| {
            let (dropped, begin) = (dropped.clone(), begin.clone());
            thread::spawn(move || {
                begin.wait();
                (0..EACH).for_each(|_| to.send(Coin(dropped.clone())));
            })
        })
        .collect();
    let receiver = thread::spawn(move || {
        let mut received = 0;
        while inbox.recv().is_ok() {
            received += 1;
            if received == 200 {
                inbox.close();
            }
        }
        (received, inbox)
    });
    let mine = dropped.clone();
    with_actor(on, &log, move |_, cx| {
        begin.wait();
        for n in 0..EACH {
            to.send(Coin(mine.clone()));
            if n % 10 == 0 {
                cx.flush();
            }
        }
    });
    senders.into_iter().for_each(|s| s.join().unwrap());
    let (received, inbox) = receiver.join().unwrap();
    assert!(has_refused(&inbox, u64::from(4 * EACH) - received));
    assert_eq!(dropped.load(Ordering::SeqCst), 4 * EACH);
}

/// What is published to its address is for subscribers, of which it has none.
fn m05_publishing_to_an_inbox_reaches_nobody(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Say>::new(4);
    let to = inbox.recipient();
    with_actor(on, &log, move |_, _| {
        to.address().topic().publish(Say("news"));
        to.address().stop();
        to.send(Say("for you"));
    });
    assert_eq!(inbox.try_recv(), Ok(Say("for you")));
    assert!(has_refused(&inbox, 1));
}

/// A handler that waits would block its locality.
fn s21_receiving_with_a_wait_in_a_handler_is_refused(on: &dyn Backend) {
    let log = Log::new();
    let inbox = Inbox::<Say>::new(4);
    with_actor(on, &log, move |me, cx| {
        me.say(inbox.recv().unwrap_err());
        me.say(inbox.recv_within(LONG).unwrap_err());
        inbox.recipient().send(Say("to myself"));
        cx.flush();
        me.say(format!("{:?}", inbox.try_recv()));
    });
    assert_eq!(
        log.all(),
        [
            "a: refused: waiting for a message would block a handler",
            "a: refused: waiting for a message would block a handler",
            r#"a: Ok(Say("to myself"))"#
        ]
    );
}

bodies! {
    Each: [
        a29_a_plain_thread_receives_through_an_inbox,
        c_so_49_a_loop_receives_a_number_until_a_pause_a_time_or_a_word,
        c_so_50_a_closed_inbox_keeps_what_it_has,
        c_so_50_a_dropped_inbox_drops_what_it_has,
        c_so_51_all_threads_that_wait_wake_when_an_inbox_closes,
        c_so_53_a_full_inbox_refuses_the_newest_or_gives_up_the_oldest,
        c_so_54_an_inbox_wakes_when_it_is_empty_no_more,
        c_so_55_an_inbox_ends_with_its_scope,
        l12_a_monitor_of_an_inbox_is_told_of_its_end_in_order,
        a29_a_thread_waits_for_several_inboxes_at_once,
        a29_what_core_asks_of_an_inbox_takes_no_room,
        a29_an_inbox_of_requests_answers,
        a29_a_plain_thread_asks_an_inbox_with_a_future,
        a29_between_senders_and_a_close_nothing_is_lost,
        m05_publishing_to_an_inbox_reaches_nobody,
        s21_receiving_with_a_wait_in_a_handler_is_refused,
    ]
}
