//! Futures inside actors: sockets and timers of the smol family, raced, joined and cancelled.

use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use rotor_core::*;
use rotor_smol::{Async, Sleep, SmolLoop};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Serves one connection: everything comes back in capitals.
async fn serve(listener: Async<TcpListener>) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut buffer = [0; 64];
    let n = stream.read(&mut buffer).await?;
    buffer.make_ascii_uppercase();
    stream.write_all(&buffer[..n]).await
}

async fn call(to: SocketAddr, text: &str) -> std::io::Result<String> {
    let mut stream = Async::<TcpStream>::connect(to).await?;
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

struct Caller;

impl Actor for Caller {
    fn start(&mut self, cx: &mut Context<Self>) -> Result {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        let at = listener.get_ref().local_addr()?;

        // A future belongs to its actor: it need not be `Send`, and ends with the instance.
        let never = cx.spawn(future::pending::<()>(), |_, (), _| unreachable!());
        let server = cx.spawn(serve(listener), |_, done, _| println!("served: {done:?}"));

        // Two at once, under a limit. The closure runs in the actor, between two messages.
        let both = future::zip(call(at, "hello"), Sleep::after(Duration::from_millis(10)));
        let limit = async {
            Sleep::after(Duration::from_secs(5)).await;
            Err(std::io::ErrorKind::TimedOut.into())
        };
        let answer = future::or(async { both.await.0 }, limit);
        cx.spawn(answer, move |_, answer, cx| {
            match answer {
                Ok(text) => println!("answer: {text}"),
                Err(error) => return cx.fail(error), // the supervisor decides
            }
            println!("cancelled: {}", cx.cancel(never));
            println!("ended before: {}", !cx.cancel(server));
            cx.stop();
        });
        Ok(())
    }
}

fn main() -> Result<(), StartError> {
    let tree = Supervisor::one_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(Child::new("caller", || Caller).transient().significant());
    let exit = SmolLoop::new().run(tree)?;
    println!("exit: {exit}");
    Ok(())
}
