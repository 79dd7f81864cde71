//! A small SOCKS proxy (RFC 1928), with a user and a password (RFC 1929) or without.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// Starts a proxy that wants this user and password, if any. Returns its port, and the hosts to which it connected, as
/// the clients named them.
pub async fn start(credentials: Option<[&'static str; 2]>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&hosts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, credentials, Arc::clone(&seen)));
        }
    });
    (port, hosts)
}

async fn serve(
    mut client: TcpStream,
    credentials: Option<[&str; 2]>,
    hosts: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let [5, methods] = bytes(&mut client).await? else { return None };
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).await.ok()?;
    let method = if credentials.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        client.write_all(&[5, 0xff]).await.ok()?;
        return None;
    }
    client.write_all(&[5, method]).await.ok()?;
    if let Some([user, password]) = credentials {
        let [1] = bytes(&mut client).await? else { return None };
        let given = [text(&mut client).await?, text(&mut client).await?];
        let status = u8::from(given != [user, password]);
        client.write_all(&[1, status]).await.ok()?;
        if status != 0 {
            return None;
        }
    }
    let [5, 1, 0, kind] = bytes(&mut client).await? else { return None };
    let host = match kind {
        1 => std::net::Ipv4Addr::from(bytes::<4>(&mut client).await?).to_string(),
        3 => text(&mut client).await?,
        _ => std::net::Ipv6Addr::from(bytes::<16>(&mut client).await?).to_string(),
    };
    let port = u16::from_be_bytes(bytes(&mut client).await?);
    hosts.lock().unwrap().push(host);
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

async fn bytes<const N: usize>(client: &mut TcpStream) -> Option<[u8; N]> {
    let mut read = [0; N];
    client.read_exact(&mut read).await.ok()?;
    Some(read)
}

/// Reads one byte with the length of a text, and then the text.
async fn text(client: &mut TcpStream) -> Option<String> {
    let [length] = bytes(client).await?;
    let mut read = vec![0; length.into()];
    client.read_exact(&mut read).await.ok()?;
    String::from_utf8(read).ok()
}
