//! What a program can print of errors.

use super::*;
use crate::Actor;
use crate::address::Undelivered;
use crate::admin::AdminError;
use crate::app::WouldDeadlock;
use crate::exit::ExitReason;
use crate::inbox::RecvError;
use crate::locality::Locality;
use crate::observe::Reason;
use crate::request::RequestError;

/// Checks the text of each variant of an enum. One that is not listed does not compile.
macro_rules! texts {
    ($type:ident: $($variant:ident $fields:tt $text:expr;)*) => {{
        #[allow(unreachable_patterns, reason = "a variant may have several texts")]
        let _all = |one: &$type| match one { $($type::$variant { .. } => (),)* };
        $(assert_eq!($type::$variant $fields.to_string(), $text);)*
    }};
}

/// The text of services that need each other like this.
fn circle(needs: &str) -> String {
    format!(
        "services linked in a circle: {needs}: have one of them do without its link, and `find` the other \
         in a handler"
    )
}

fn disk_full() -> Exit {
    Exit::failed(std::io::Error::other("disk full"))
}

#[test]
fn r113_what_is_refused_says_why_and_what_to_do() {
    let cannot_have = "b cannot have the address that was reserved for it: another child had it first, \
                       or has ended with it; reserve a new one";
    let slash = "a name must not be empty, nor have a control character, nor a slash, which stands between the \
         names of a path";
    let place = "b is placed on locality away, but its address was reserved on home: reserve it on \
                 away, or place b below a supervisor on home";
    let namesake = "b is placed on locality main, but its address was reserved on another locality named \
                    main, of another loop: reserve it with `locality()` of the loop that runs b";
    let nested = "inside a handler of its thread no loop is run, and its driver starts no tree: start a \
                  child with `StartChild`, or run the loop on a thread of its own";
    let none_open = "no tree is started: no locality is open: open one first, with `Driver::open` or \
                     `Sim::locality`";
    let none_free = "no tree is started: each locality that is open has a tree: make another locality \
                     for this one, or add it to a tree that runs, with `StartChild`";
    let all_ended = "no tree is started: the tree of each locality that was open has ended: make \
                     another locality for this one";
    let driver_ended = "no tree is started: this driver has ended, and its localities with it: make \
                        another one, and open another locality";
    let circle = circle("b needs c needs b");
    let root =
        "app is the root: it runs on the loop that starts it, and `on` is for a supervisor below";
    let name = || NameError::Taken {
        name: "log".into(),
        owner: "c".into(),
    };
    texts! { StartError:
        DuplicateName { supervisor: "app".into(), child: "b".into() }
            "supervisor app has two children named b: give one of them another name";
        BadName { supervisor: Some("app".into()), name: "".into() }
            format!("supervisor app has a child named \"\": {slash}");
        BadName { supervisor: None, name: "a/b".into() }
            format!("the root is named \"a/b\": {slash}");
        ClaimedTwice { child: "b".into(), other: Some("c".into()) }
            "b and c have the same address: reserve one for each of them";
        ClaimedTwice { child: "b".into(), other: None } cannot_have;
        WrongLocality { child: "b".into(), placed: "away".into(), reserved: "home".into() } place;
        WrongLocality { child: "b".into(), placed: "main".into(), reserved: "main".into() } namesake;
        Unbounded { child: "b".into() }
            "b has a bound, but its address was reserved without one: use `Locality::reserve_bounded`";
        Significant { child: "app/b".into(), why: "but permanent: make it transient" }
            "app/b is significant, but permanent: make it transient";
        Backoff { child: "app/b".into(), why: "it is never restarted" }
            "the backoff of app/b: it is never restarted";
        TooDeep {} "the tree has more than a hundred levels: put the children of some of them side by side";
        ZeroPeriod { supervisor: "app".into() } "supervisor app has a restart period of zero: give `intensity` a longer one";
        Name { child: "b".into(), error: name() }
            "b cannot start: the name log belongs to c: choose another one, or have a supervisor with \
             `own_names` above one of the two";
        NamedTwice { child: "app/b".into(), name: "log".into() }
            "app/b is given the name log twice: leave one `named` of it out";
        Needs { child: "b".into(), error: LinkError::Circle(vec!["b".into(), "c".into(), "b".into()]) }
            format!("b cannot start: {circle}");
        NeedsLater { child: "b".into(), service: "c".into() }
            "b needs c, which starts after it: declare c before b";
        Pool { supervisor: "app".into(), why: "is a pool, and has children of its own".into() }
            "supervisor app is a pool, and has children of its own";
        Stopping {} "no child is added: the actor that would be its parent is stopping";
        NoLocality {} none_open;
        NoneFree { ended: false } none_free;
        NoneFree { ended: true } all_ended;
        DriverEnded {} driver_ended;
        AlreadyStarted {} "this driver has started a tree before: make another one for another tree";
        LocalityEnded { supervisor: "app/far".into(), locality: "away".into() }
            "supervisor app/far cannot be placed on locality away any more: its loop or future has ended, \
             or was dropped";
        BuildPanicked { supervisor: "far".into(), text: "no plan".into() }
            "building the children of far panicked: no plan";
        Built { supervisor: "far".into(), what: "calls `on`".into() }
            "the closure of `on` that builds far calls `on`";
        Outside { supervisor: "far".into(), child: "b".into() }
            "supervisor far has its child b outside of the closure of `on`, which adds the children: \
             `on(&place, |s| s.child(..))`";
        PlacedTwice { supervisor: "far".into() }
            "supervisor far is placed twice: say `on` once, with one closure for all children";
        RootPlaced { root: "app".into() } root;
        Nested {} nested;
        Loop { 0: Arc::new(std::io::Error::other("no more files")) }
            "the loop has failed: no more files";
    }
    texts! { BindError:
        AlreadyOpen {} "the locality is open in another driver";
        Ended {} "the locality has ended";
        DriverEnded {} "the driver's tree has ended";
    }
    let error = StartError::TooDeep;
    assert_eq!(
        format!("{error:?}"),
        error.to_string(),
        "as `main` prints it"
    );
}

#[test]
fn r113_what_is_wrong_with_names_and_links_is_said_with_them() {
    let not_found =
        "the name log cannot be found: no actor that runs has declared or registered it";
    let wrong = "the actor of the name log is a Clock, not a Log: the `Name` has to be of its type";
    let ending = "the name log was not registered: the actor that wants it is ending";
    let ended = "the name log can neither be found nor registered: its tree has ended";
    let name = || "log".into();
    texts! { NameError:
        NotFound { name: name() } not_found;
        Bad { name: "lo\ng".into() }
            "\"lo\\ng\" is no name: it must not be empty, nor have a control character in it";
        Taken { name: name(), owner: "b".into() }
            "the name log belongs to b: choose another one, or have a supervisor with `own_names` above \
             one of the two";
        WrongType { name: name(), wanted: "Log", registered: "Clock" } wrong;
        Ending { name: name() } ending;
        TreeEnded { name: name() } ended;
    }
    let service = || "app/b".into();
    texts! { LinkError:
        AlreadyLinked {} "linked to this service already: one link of an instance is enough";
        NotLinkable { service: service(), why: "is down: start it" } "the service app/b is down: start it";
        Circle { 0: vec!["app/b".into(), "app/b".into()] } "app/b needs itself: leave that out";
        Circle { 0: vec!["b".into(), "c".into(), "b".into()] } circle("b needs c needs b");
        Gone { service: service() }
            "the service app/b is gone: it was removed, or its locality has ended, or is lost";
        Broken { service: service(), exit: disk_full() }
            "the service app/b ended: failed: disk full";
    }
}

#[test]
fn r113_what_is_not_answered_or_delivered_says_why() {
    struct View;
    impl Actor for View {}
    let at = Locality::new("ui").reserve::<View>().address();
    let present = "app/b is there already, and does not run: restart or delete it, or terminate it first if it \
                   waits for a restart";
    let full = "the pool has all the instances that its `instances_at_most` allows, 3: raise that, or end \
                one first";
    texts! { AdminError:
        NotFound { supervisor: "app".into(), child: Some("pp".into()), is_actor: false }
            "app has no child named pp";
        NotFound { supervisor: "app".into(), child: Some("pp".into()), is_actor: true }
            "app has no child named pp: one that an actor adds itself is asked for by its address, not by its name";
        NotFound { supervisor: "app".into(), child: None, is_actor: false }
            "app has no child at that address";
        Running { child: "app/b".into() } "app/b runs: terminate it first";
        Restarting { child: "app/b".into() } "app/b is being restarted: terminate it first";
        AlreadyStarted { child: "app/b".into(), address: at } format!("app/b runs already, at {at:?}");
        AlreadyPresent { child: "app/b".into() } present;
        BadSpec { 0: StartError::TooDeep }
            "the spec is wrong: the tree has more than a hundred levels: put the children of some of them side by side";
        StartFailed { 0: disk_full() } "the child could not start: failed: disk full";
        Pool { why: "this is a pool".into() } "this is a pool";
        NotThisPool { makes: None, asked: ("Session", "u8") }
            "this supervisor is not a pool: `StartChild` adds a child to it";
        NotThisPool { makes: Some(("Session", "User")), asked: ("Session", "u8") }
            "this pool makes Session of User, not Session of u8: ask for a `StartInstance<Session, User>`";
        Full { most: 3 } full;
    }
    let deadlock = "refused: waiting for the answer would block the thread that has to give it, or a \
                    handler: use `Context::request`";
    texts! { RequestError:
        Timeout {} "no answer within the time limit";
        Ended { 0: disk_full() } "the actor ended before it answered: failed: disk full";
        Dropped {} "the request was dropped unanswered";
        Full {} "as many wait for the actor as may";
        Gone {} "the actor is gone";
        WouldDeadlock {} deadlock;
    }
    texts! { RecvError:
        Empty {} "no message has come";
        Closed {} "the inbox is closed, and empty";
        WouldDeadlock {} "refused: waiting for a message would block a handler";
    }
    texts! { Reason:
        Gone {} "the actor was removed";
        Stopped {} "the actor has stopped";
        Full {} "as many wait for it as may";
        Closed {} "its locality has ended, or is lost";
        NotLocal {} "its locality is pinned to another thread";
        Unheard {} "nobody is subscribed";
        Unclaimed {} "no child has claimed its address";
        Late {} "the asker no longer waits";
        Refused {} "a hook has refused it";
        Displaced {} "a newer one has taken its place";
        Uncloned {} "its clone has panicked";
    }
    let back = Undelivered {
        message: 1_u8,
        reason: Reason::Full,
    };
    assert_eq!(
        back.to_string(),
        "u8 was not delivered: as many wait for it as may"
    );
    assert_eq!(
        WouldDeadlock.to_string(),
        "refused: waiting for a tree would block a loop that it runs on, or a handler: use `App::on_exit`"
    );
}

#[test]
fn r113_an_end_says_what_has_ended_the_actor() {
    let late = || TimedOut {
        path: "app/b".into(),
        step: "stop",
        limit: Duration::from_secs(5),
        held_by: vec!["a last write".into(), "app/b/c".into()],
    };
    let stalled = |order_helps, down: &[bool]| StartStalled {
        waiting: "app/b".into(),
        names: vec![("log".into(), "c".into()), ("bell".into(), "c".into())],
        services: vec!["d".into()],
        down: down.into(),
        order_helps,
    };
    let late_text = "timed out: the stop of app/b took longer than its stop limit of 5s; held by \
                     a last write; held by app/b/c";
    let waits = "failed: the start of app/b waits for the name log of c, the name bell of c, a link to \
                 d, which cannot be there before that start is over:";
    let later = "ask for it later, in a handler";
    let order = "declare c and d before b (unless one of them waits for b, too), or";
    texts! { ExitReason:
        Normal {} "normal";
        Shutdown {} "shutdown";
        ShutdownWith { 0: "a new version".into() } "shutdown: a new version";
        Failed { 0: Error::message("disk full") } "failed: disk full";
        TimedOut { 0: late() } late_text;
        Stalled { 0: stalled(false, &[false; 2]) } format!("{waits} {later}");
        Stalled { 0: stalled(true, &[false; 2]) } format!("{waits} {order} {later}");
        Stalled { 0: stalled(false, &[false, true]) }
            format!("{} {later}", waits.replace("bell of c", "bell of c (which is down)"));
        Link { 0: LinkError::AlreadyLinked }
            "failed: linked to this service already: one link of an instance is enough";
        Name { 0: NameError::TreeEnded { name: "log".into() } }
            "failed: the name log can neither be found nor registered: its tree has ended";
        Refused { 0: StartError::ZeroPeriod { supervisor: "far".into() } }
            "failed: supervisor far has a restart period of zero: give `intensity` a longer one";
        Overloaded { 0: 1 } "failed: more messages wait for it than its bound of 1";
        Spent {} "failed: a child made by `Child::once` cannot be made again";
        Escalated {} "escalated";
        Panicked { 0: "on\n  two lines".into() } "panicked: on two lines";
        Bug { 0: "on\n  two lines".into() } "failed: a bug in rotor-core: on two lines";
        Killed {} "killed";
        Lost { 0: "away".into() } "locality away was lost";
        Gone {} "gone, its end is not known";
    }
}

/// An actor hands on what it was told: each part of it is said once.
#[test]
fn r113_an_error_with_sources_says_nothing_twice() {
    let name = "x".parse::<u8>().unwrap_err();
    let outer = std::io::Error::other(name.clone());
    assert_eq!(Error::from(outer).to_string(), name.to_string());
    let error = NameError::TreeEnded { name: "log".into() };
    let ended = error.to_string();
    let child = "b".into();
    let error = StartError::Name { child, error };
    assert_eq!(
        Error::from(error.clone()).to_string(),
        format!("b cannot start: {ended}")
    );
    let text = format!("the spec is wrong: b cannot start: {ended}");
    assert_eq!(Error::from(AdminError::BadSpec(error)).to_string(), text);
    let failed = Exit::failed(AdminError::StartFailed(disk_full()));
    assert_eq!(
        failed.to_string(),
        "failed: the child could not start: failed: disk full"
    );
    assert!(
        std::iter::successors(failed.source(), |&error| error.source())
            .any(|error| error.is::<std::io::Error>())
    );
}

/// All of it is there, in `Debug` and in what has caused it.
#[test]
fn texts_of_several_lines_are_printed_on_one() {
    let text = "\n  no disk:\n\tsda1\r\n";
    let error = Error::message(text);
    assert_eq!(error.to_string(), "no disk: sda1");
    assert_eq!(error.source().to_string(), text);
    assert_eq!(format!("{error:?}"), format!("{text:?}"));
    let late = TimedOut {
        path: "app/b".into(),
        step: "stop",
        limit: Duration::from_secs(5),
        held_by: vec!["two\n  lines".into(), "more".into()],
    };
    assert_eq!(
        late.to_string(),
        "the stop of app/b took longer than its stop limit of 5s; held by two lines; held by more"
    );
    assert!(format!("{late:?}").contains(r"two\n  lines"));
}
