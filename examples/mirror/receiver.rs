//! The receiver: listens on loopback TCP, and hands the frames of the sender's connection to the
//! writers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rotor_core::{Actor, Addr, Ask, Child, Context, Handler, Result, TryHandler};
use rotor_mio::{Accepted, Io, Ready, TcpListener, TcpStream};

use crate::chaos::{Fuse, Strike};
use crate::frame::{Decoder, Frame, FrameError, Part, Token};
use crate::role::Role;
use crate::sender::Where;
use crate::wiring::{Up, Wiring};
use crate::writer::Frames;

/// Bytes read in one go.
const PIECE: usize = 256 * 1024;

/// Listens; each connection is a child of its own.
pub struct Receiver {
    listener: TcpListener,
    token: Token,
    wiring: Wiring,
    latest: Option<Addr<Connection>>,
    fuse: Fuse,
}

impl Receiver {
    /// Listens on a port that the system chooses.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn new(token: Token, wiring: Wiring, cx: &mut Context<Self>) -> Result<Self> {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Io::of(cx)?.listen(cx, anywhere)?;
        Ok(Self {
            listener,
            token,
            wiring,
            latest: None,
            fuse: Fuse::default(),
        })
    }
}

impl Actor for Receiver {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        self.wiring.plan.send(Up(Role::Receiver));
        Ok(())
    }
}

impl TryHandler<Ask<Where>> for Receiver {
    fn try_handle(&mut self, ask: Ask<Where>, _: &mut Context<Self>) -> Result {
        let at = self.listener.with(|socket| socket.local_addr())?;
        ask.reply((at, self.token));
        Ok(())
    }
}

impl Handler<Accepted> for Receiver {
    fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
        let (token, wiring) = (self.token, self.wiring.clone());
        self.latest = Some(cx.child(Child::once("connection", move |cx| {
            Ok(Connection {
                stream: Io::of(cx)?.adopt(cx, accepted.stream)?,
                proof: Proof::Missing(token),
                piece: vec![0; PIECE],
                decoder: Decoder::default(),
                frames: wiring.writers.iter().map(|_| Vec::new()).collect(),
                wiring,
                fuse: Fuse::default(),
            })
        })));
    }
}

impl Handler<Strike> for Receiver {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        match self.latest {
            Some(connection) if strike.cuts() => connection.send(strike),
            _ => self.fuse.light(strike, Role::Receiver),
        }
    }
}

/// A connection: the sender's, once it has shown the token.
pub struct Connection {
    stream: TcpStream,
    proof: Proof,
    piece: Vec<u8>,
    decoder: Decoder,
    /// What came in for each lane and was not handed on yet.
    frames: Vec<Vec<Frame>>,
    wiring: Wiring,
    fuse: Fuse,
}

enum Proof {
    Missing(Token),
    Given,
}

impl Connection {
    fn take(&mut self, length: usize) -> Result<(), FrameError> {
        self.decoder.feed(&self.piece[..length]);
        while let Some(frame) = self.decoder.next()? {
            match (&self.proof, &frame.part) {
                (Proof::Missing(token), Part::Hello(shown)) if token == shown => {
                    self.proof = Proof::Given;
                }
                (Proof::Missing(_), _) => return Err(FrameError::STRANGER),
                (Proof::Given, _) => match self.frames.get_mut(usize::from(frame.lane)) {
                    Some(lane) => lane.push(frame),
                    None => return Err(FrameError::LANE),
                },
            }
        }
        Ok(())
    }

    fn hand_on(&mut self) {
        for (frames, writer) in self.frames.iter_mut().zip(&*self.wiring.writers) {
            if !frames.is_empty() {
                writer.send(Frames(std::mem::take(frames)));
            }
        }
    }
}

impl Actor for Connection {}

impl TryHandler<Ready> for Connection {
    fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
        match self.stream.read(&mut self.piece) {
            Ok(0) => cx.stop(),
            Ok(n) => {
                self.take(n)?;
                self.fuse.burn("connection", "before it hands on");
                self.hand_on();
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }
}

/// The sender notices, fails, and its next instance connects anew.
impl Handler<Strike> for Connection {
    fn handle(&mut self, strike: Strike, _: &mut Context<Self>) {
        self.fuse.light(strike, "connection");
    }
}
