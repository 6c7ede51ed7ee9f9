//! Both ends of the control socket against each other.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use super::*;

type Heard = (Option<u8>, String, String);

fn ask(path: &Path, request: &[u8]) -> Result<Heard, ForwardFailed> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = forward(path, request, &mut stdout, &mut stderr)?;
    Ok((code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap()))
}

/// Serves at `path` while `commands` runs on a blocking thread.
async fn with_server<T: Send + 'static>(
    path: &Path,
    commands: impl FnOnce(&Path) -> T + Send + 'static,
) -> T {
    let served = path.to_owned();
    let server = tokio::spawn(async move { serve(&served, handle).await });
    while ask_whether_open(path).await.is_none() {
        assert!(!server.is_finished(), "the server did not start");
        tokio::task::yield_now().await;
    }
    let path = path.to_owned();
    let answer = tokio::task::spawn_blocking(move || commands(&path)).await.unwrap();
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    answer
}

async fn ask_whether_open(path: &Path) -> Option<u8> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || ask(&path, b"nothing").unwrap().0).await.unwrap()
}

async fn handle(request: Vec<u8>, output: Output) -> u8 {
    match request.as_slice() {
        b"nothing" => 0,
        b"much" => {
            let blocking = tokio::task::spawn_blocking(move || {
                let mut writer = output.writer(Stream::Stdout);
                (0..50).for_each(|_| writer.write_all(&[b'x'; 10_000]).unwrap());
                writer.write_all(&[b'y'; 200_000]).unwrap();
            });
            blocking.await.unwrap();
            3
        }
        request => {
            output.stderr("heard ").await.unwrap();
            output.stdout(request).await.unwrap();
            output.stderr("it").await.unwrap();
            7
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_carried_out_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join(SOCKET_NAME);
    let heard = with_server(&socket, |path| {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        ask(path, "审批".as_bytes()).unwrap()
    });
    assert_eq!(heard.await, (Some(7), "审批".to_owned(), "heard it".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_output_arrives_whole() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join(SOCKET_NAME);
    let (code, stdout, _) = with_server(&socket, |path| ask(path, b"much").unwrap()).await;
    assert_eq!(code, Some(3));
    assert_eq!(stdout, "x".repeat(500_000) + &"y".repeat(200_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_socket_is_nobody_and_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SOCKET_NAME);
    assert_eq!(ask(&path, b"x").unwrap().0, None);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert_eq!(ask(&path, b"x").unwrap().0, None);
    with_server(&path, |path| assert_eq!(ask(path, b"x").unwrap().0, Some(7))).await;
    assert!(!path.exists(), "the name goes with the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_a_long_name_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("d".repeat(150));
    std::fs::create_dir(&deep).unwrap();
    with_server(&deep.join(SOCKET_NAME), |path| assert_eq!(ask(path, b"x").unwrap().0, Some(7))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_long_are_refused_by_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    with_server(&folder.path().join(SOCKET_NAME), |path| {
        let long = vec![b'x'; REQUEST_BYTES_MAX + 1];
        assert!(matches!(ask(path, &long), Err(ForwardFailed::TooLong { .. })));
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
        assert!(rest.is_empty(), "the server hangs up");
        assert_eq!(ask(path, &vec![b'x'; REQUEST_BYTES_MAX]).unwrap().0, Some(7));
    })
    .await;
}

#[test]
fn a_server_that_ends_before_it_answers_is_not_taken_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SOCKET_NAME);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 5];
        std::io::Read::read_exact(&mut stream, &mut request).unwrap();
        stream.write_all(&[STDOUT_FRAME, 0, 0, 0, 9, b'h']).unwrap();
    });
    assert!(matches!(ask(&path, b"x"), Err(ForwardFailed::Unanswered)));
    server.join().unwrap();
}
