//! What the wrappers need of mio's sockets.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::event::Source;
use mio::net;

/// A socket that is read and written.
pub trait Socket: Source + 'static {
    /// Bytes in a row, with an end, as opposed to datagrams.
    const IS_STREAM: bool;
    /// The poll reports that it is writable only after a write was refused, so interest in that
    /// costs nothing. Others report it whenever the peer has read something.
    const IS_QUIET: bool;

    /// Writes the next bytes of a stream.
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Reads the next bytes of a stream.
    fn read_some(&self, bytes: &mut [u8]) -> io::Result<usize>;
    /// The error that the kernel keeps for it.
    fn kept_error(&self) -> io::Result<Option<io::Error>>;
    /// Whether it has a peer: false while it is connecting.
    fn has_peer(&self) -> io::Result<bool>;
}

/// A socket that is accepted from.
pub trait Accept: Source + 'static {
    /// What is accepted.
    type Stream: 'static;
    /// The address of a peer.
    type Peer: 'static;

    /// Accepts the next one.
    fn accept_one(&self) -> io::Result<(Self::Stream, Self::Peer)>;
}

/// A connected stream has a peer; one that connects has none yet.
fn has_peer<T>(peer: io::Result<T>) -> io::Result<bool> {
    match peer {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotConnected => Ok(false),
        // A peer that has closed already, on some systems.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(true),
        Err(e) => Err(e),
    }
}

impl Socket for net::TcpStream {
    const IS_STREAM: bool = true;
    const IS_QUIET: bool = true;

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        (&mut &*self).write(bytes)
    }
    fn read_some(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(bytes)
    }
    fn kept_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
    fn has_peer(&self) -> io::Result<bool> {
        has_peer(self.peer_addr())
    }
}

impl Accept for net::TcpListener {
    type Stream = net::TcpStream;
    type Peer = SocketAddr;

    fn accept_one(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        self.accept()
    }
}

impl Socket for net::UdpSocket {
    const IS_STREAM: bool = false;
    const IS_QUIET: bool = false;

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)
    }
    fn read_some(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.recv(bytes)
    }
    fn kept_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
    fn has_peer(&self) -> io::Result<bool> {
        Ok(true)
    }
}

#[cfg(unix)]
impl Socket for net::UnixStream {
    const IS_STREAM: bool = true;
    const IS_QUIET: bool = false;

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        (&mut &*self).write(bytes)
    }
    fn read_some(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(bytes)
    }
    fn kept_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
    fn has_peer(&self) -> io::Result<bool> {
        Ok(true) // connecting never takes time
    }
}

#[cfg(unix)]
impl Accept for net::UnixListener {
    type Stream = net::UnixStream;
    type Peer = std::os::unix::net::SocketAddr;

    fn accept_one(&self) -> io::Result<(net::UnixStream, Self::Peer)> {
        self.accept()
    }
}

#[cfg(unix)]
impl Socket for net::UnixDatagram {
    const IS_STREAM: bool = false;
    const IS_QUIET: bool = false;

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)
    }
    fn read_some(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.recv(bytes)
    }
    fn kept_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
    fn has_peer(&self) -> io::Result<bool> {
        Ok(true)
    }
}
