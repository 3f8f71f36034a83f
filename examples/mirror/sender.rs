//! The sender: one connection over loopback TCP, which carries the frames of all lanes to the
//! receiver.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rotor_core::{Actor, Context, Hold, Request, Result, TryHandler};
use rotor_mio::{Io, Ready, TcpStream};

use crate::chaos::{Fuse, Strike};
use crate::frame::{Token, put_hello};
use crate::role::Role;
use crate::wiring::{Up, Wiring};

/// How long the receiver may take to say where it is.
const LIMIT: Duration = Duration::from_secs(5);

/// Sends frames. When its connection breaks, it fails; its next instance connects anew.
pub struct Sender {
    wiring: Wiring,
    link: Option<Link>,
    fuse: Fuse,
}

/// A connection, and what waits until it stands.
struct Link {
    stream: TcpStream,
    starting: Option<Hold>,
}

/// Whole frames, to be sent as they are.
pub struct Wire(pub Vec<u8>);

/// Asks the receiver where it listens, and for the token that a connection has to begin with.
pub struct Where;

impl Request for Where {
    type Reply = (SocketAddr, Token);
}

impl Sender {
    /// A sender that connects when it starts.
    pub fn new(wiring: Wiring) -> Self {
        Self {
            wiring,
            link: None,
            fuse: Fuse::default(),
        }
    }

    fn connect(
        &mut self,
        at: SocketAddr,
        token: Token,
        hold: Hold,
        cx: &mut Context<Self>,
    ) -> Result {
        let mut stream = Io::of(cx)?.connect(cx, at)?;
        let mut hello = Vec::new();
        put_hello(&mut hello, token);
        stream.write_all_queued(&hello)?;
        self.link = Some(Link {
            stream,
            starting: Some(hold),
        });
        Ok(())
    }
}

impl Actor for Sender {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Sender));
        let hold = cx.hold("connecting");
        cx.request(self.wiring.receiver, Where, LIMIT, |me, answer, cx| {
            let connected = match answer {
                Ok((at, token)) => me.connect(at, token, hold, cx),
                Err(e) => Err(e.into()),
            };
            if let Err(e) = connected {
                cx.fail(e);
            }
        });
        Ok(())
    }
}

impl TryHandler<Ready> for Sender {
    fn try_handle(&mut self, ready: Ready, _: &mut Context<Self>) -> Result {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if ready.writable {
            link.starting = None;
        }
        // The receiver sends nothing: what can be read is its end.
        match link.stream.read(&mut [0; 16]) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(e) => Err(e.into()),
            Ok(_) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
        }
    }
}

impl TryHandler<Wire> for Sender {
    fn try_handle(&mut self, Wire(bytes): Wire, _: &mut Context<Self>) -> Result {
        self.fuse.burn(Role::Sender, "before it sends");
        if let Some(link) = &mut self.link {
            link.stream.write_all_queued(&bytes)?;
        }
        Ok(())
    }
}

impl TryHandler<Strike> for Sender {
    fn try_handle(&mut self, strike: Strike, _: &mut Context<Self>) -> Result {
        if strike.cuts() {
            self.link = None;
            return Err(io::Error::other("chaos: the connection is dropped").into());
        }
        self.fuse.light(strike, Role::Sender);
        Ok(())
    }
}
