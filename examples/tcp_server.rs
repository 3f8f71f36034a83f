//! A TCP server on a mio loop: one actor listens, and has a child for each connection. Two clients
//! in the same tree call it. The second makes its connection crash: the others do not notice.

use std::io::ErrorKind::WouldBlock;
use std::net::{SocketAddr, TcpListener as StdListener};

use rotor_core::*;
use rotor_mio::{Accepted, Io, MioLoop, Ready, TcpListener, TcpStream};

struct Server {
    _listener: TcpListener, // dropping it closes it
}

impl Actor for Server {}

impl Handler<Accepted> for Server {
    fn handle(&mut self, accepted: Accepted, cx: &mut Context<Self>) {
        let serve = move |cx: &mut Context<Connection>| {
            let stream = Io::of(cx)?.adopt(cx, accepted.stream)?;
            Ok(Connection { stream })
        };
        cx.child(Child::once("connection", serve)); // temporary: ends with the connection
    }
}

/// Sends back in capitals what it reads.
struct Connection {
    stream: TcpStream,
}

impl Actor for Connection {}

impl TryHandler<Ready> for Connection {
    fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
        let mut buffer = [0; 64];
        match self.stream.read(&mut buffer) {
            Ok(0) => cx.stop(),
            Ok(_) if buffer.starts_with(b"crash") => panic!("a bug in the server"),
            Ok(n) => self
                .stream
                .write_all_queued(&buffer[..n].to_ascii_uppercase())?,
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error.into()), // ends this connection
        }
        Ok(())
    }
}

struct Client {
    stream: TcpStream,
}

impl Client {
    fn call(cx: &mut Context<Self>, server: SocketAddr, text: &str) -> Result<Self> {
        let mut stream = Io::of(cx)?.connect(cx, server)?;
        stream.write_all_queued(text.as_bytes())?; // sent when the connection is made
        Ok(Client { stream })
    }
}

impl Actor for Client {}

impl TryHandler<Ready> for Client {
    fn try_handle(&mut self, _: Ready, cx: &mut Context<Self>) -> Result {
        let mut buffer = [0; 64];
        match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == WouldBlock => return Ok(()),
            Ok(0) => println!("client: the server hung up"),
            Ok(n) => println!("client: {}", String::from_utf8_lossy(&buffer[..n])),
            Err(error) => return Err(error.into()),
        }
        cx.stop();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Opened here: the port is known, and is the same for a server that was restarted.
    let door = StdListener::bind("127.0.0.1:0")?;
    let at = door.local_addr()?;
    let server = Child::with("server", move |cx| {
        let _listener = Io::of(cx)?.adopt(cx, door.try_clone()?)?;
        Ok(Server { _listener })
    });
    let client = |name, text| {
        Child::with(name, move |cx| Client::call(cx, at, text))
            .transient()
            .significant()
    };
    let tree = Supervisor::rest_for_one("app")
        .auto_shutdown(AutoShutdown::All)
        .child(server)
        .child(client("polite", "hello"))
        .child(client("rude", "crash"));
    println!("{}", MioLoop::new()?.run(tree)?);
    Ok(())
}
