//! What the tests of the program need: a folder, the binary, a client and a provider.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use megarouter_server::config::{Common, Config, Secrets, Sections};
use megarouter_server::instance::{Instance, Purpose};

const BINARY: &str = env!("CARGO_BIN_EXE_megarouter-server");
const PATIENCE: Duration = Duration::from_secs(20);
/// The virtual key of the setups.
pub const KEY: &str = "mr-test-key-0123456789abcdef";

/// A temporary folder with the data folder in it.
pub struct Workshop {
    folder: tempfile::TempDir,
    data_dir: PathBuf,
    logs: RefCell<Vec<PathBuf>>,
}

/// What a finished verb left.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

impl Workshop {
    pub fn new() -> Self {
        Self::new_in("data")
    }

    pub fn new_in(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join(name);
        Self { folder, data_dir, logs: RefCell::default() }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("MEGAROUTER_DATA_DIR", &self.data_dir)
            .env("MEGAROUTER_KEY_SOURCE", "file")
            .env("MOCK_SECRET", "sk-mock-secret-0123456789")
            .env("CI_KEY", KEY);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(BINARY);
        let output = command.args(arguments).envs(environment.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs a verb until its output is as wanted.
    pub fn until(&self, arguments: &[&str], is_wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let outcome = self.run(arguments);
            if is_wanted(&outcome.stdout) {
                return outcome.stdout;
            }
            assert!(Instant::now() < deadline, "{}{}", outcome.stdout, outcome.stderr);
        }
    }

    pub fn serve(&self, arguments: &[&str]) -> Running {
        let ports = ["serve", "--proxy-port", "0", "--web-port", "0"];
        let arguments: Vec<_> = ports.iter().chain(arguments).copied().collect();
        self.start(BINARY, &arguments).unwrap()
    }

    /// Starts an instance with further variables in its environment.
    pub fn serve_with(&self, environment: &[(&str, &str)]) -> Running {
        let mut command = self.command(BINARY);
        command.args(["serve", "--proxy-port", "0", "--web-port", "0"]).envs(environment.iter().copied());
        self.spawn(command).unwrap()
    }

    /// Starts an instance whose port is the one in the settings.
    pub fn serve_at_preferred_port(&self) -> Running {
        self.start(BINARY, &["serve", "--web-port", "0"]).unwrap()
    }

    /// Writes the port into the settings, with an instance that does not listen.
    pub fn prefer_port(&self, port: u16) {
        let change = format!(r#"{{"proxy_port":{port}}}"#);
        self.in_process(Purpose::Command, async |instance| {
            assert_eq!(call(instance, "PATCH", "/api/v1/settings", &change).await["proxy_port"], port);
        });
    }

    /// Runs an instance in this process.
    pub fn in_process(&self, purpose: Purpose, work: impl AsyncFnOnce(&Instance)) {
        let secrets = Secrets { key_source: Some("file".to_owned()), ..Secrets::default() };
        let common = Common { data_dir: Some(self.data_dir()), secrets, ..Common::default() };
        let config = Config::load(common, Sections::default()).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let instance = Instance::start(config, purpose).await.unwrap();
            work(&instance).await;
            instance.shutdown().await;
        });
    }

    pub fn serve_under_umask_zero(&self) -> Running {
        let script = format!("umask 000; exec '{BINARY}' serve --proxy-port 0 --web-port 0");
        self.start("sh", &["-c", &script]).unwrap()
    }

    /// An instance that is told of a file's limit by an error, as it is told of a full disk.
    pub fn serve_with_full_disk_errors(&self) -> Running {
        let script = format!("trap '' XFSZ; exec '{BINARY}' serve --proxy-port 0 --web-port 0");
        self.start("sh", &["-c", &script]).unwrap()
    }

    fn start(&self, program: &str, arguments: &[&str]) -> Option<Running> {
        let mut command = self.command(program);
        command.args(arguments);
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Option<Running> {
        let log = self.folder.path().join(format!("{}.log", self.logs.borrow().len()));
        let stderr = std::fs::File::create(&log).unwrap();
        self.logs.borrow_mut().push(log);
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            child.wait().unwrap();
            return None;
        }
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |url: &serde_json::Value| url.as_str().map(|url| url.trim_start_matches("http://").to_owned());
        let (proxy, web) = (address(&ready["proxy"][0]).unwrap(), address(&ready["web"][0]));
        Some(Running { child: RefCell::new(child), ready, proxy, web })
    }

    /// Everything that was logged.
    pub fn log(&self) -> String {
        self.logs.borrow().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// Calls the control socket; status 0 when nobody listens there.
    pub fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        match UnixStream::connect(self.data_dir.join("control.sock")) {
            Ok(stream) => exchange_over(stream, "localhost", method, path, &[json()], body),
            Err(_) => Answer { status: 0, head: String::new(), body: String::new() },
        }
    }
}

/// Calls the control API in process.
pub async fn call(instance: &Instance, method: &str, path: &str, body: &str) -> serde_json::Value {
    use http_body_util::BodyExt as _;
    let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    let answer = instance.call(request.body(body.to_owned().into()).unwrap()).await;
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

/// A running instance; killed when dropped.
pub struct Running {
    child: RefCell<Child>,
    ready: serde_json::Value,
    pub proxy: String,
    pub web: Option<String>,
}

impl Running {
    pub fn ready(&self) -> &serde_json::Value {
        &self.ready
    }

    pub fn pid(&self) -> u32 {
        self.child.borrow().id()
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child.borrow());
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Limits the size of the files it may write, in bytes.
    #[cfg(target_os = "linux")]
    pub fn limit_files_to(&self, current: Option<u64>) {
        let pid = rustix::process::Pid::from_child(&self.child.borrow());
        let limit = rustix::process::Rlimit { current, maximum: None };
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Fsize, limit).unwrap();
    }

    /// Waits until it accepts nothing new at its first address.
    pub fn until_refused(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&self.proxy).is_ok() {
            assert!(Instant::now() < deadline, "it still accepts");
            std::thread::yield_now();
        }
    }

    /// Waits for its end and gives its exit code.
    pub fn wait(&self) -> i32 {
        self.child.borrow_mut().wait().unwrap().code().unwrap_or(-1)
    }

    /// Asks it to stop and gives its exit code.
    pub fn stop(&self) -> i32 {
        self.terminate();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.child.borrow_mut().kill();
        let _ = self.child.borrow_mut().wait();
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

fn json() -> (&'static str, String) {
    ("content-type", "application/json".to_owned())
}

/// One request over a connection of its own.
pub fn exchange(address: &str, method: &str, path: &str, headers: &[(&str, String)], body: &str) -> Answer {
    exchange_over(TcpStream::connect(address).unwrap(), address, method, path, headers, body)
}

/// Sends bytes as they are.
pub fn raw(address: &str, text: &str) -> Answer {
    send(TcpStream::connect(address).unwrap(), text)
}

fn exchange_over(
    stream: impl std::io::Read + std::io::Write,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Answer {
    send(stream, &request(host, method, path, headers, body))
}

fn send(mut stream: impl std::io::Read + std::io::Write, text: &str) -> Answer {
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn request(host: &str, method: &str, path: &str, headers: &[(&str, String)], body: &str) -> String {
    let fields: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
    )
}

/// A streamed request; `on_output` is called at the first output.
pub fn stream(address: &str, path: &str, body: &str, on_output: impl FnOnce()) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers = [("authorization", format!("Bearer {KEY}")), json()];
    stream.write_all(request(address, "POST", path, &headers, body).as_bytes()).unwrap();
    let (mut answer, mut on_output, mut buffer) = (String::new(), Some(on_output), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).unwrap();
        if count == 0 {
            return answer;
        }
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if answer.contains("first part")
            && let Some(on_output) = on_output.take()
        {
            on_output();
        }
    }
}

/// How the provider answers.
#[derive(Clone, Copy)]
pub enum Reply {
    /// At once.
    Whole,
    /// A stream that pauses after its first part until [`Upstream::release`].
    HeldStream,
}

/// A provider on this machine.
pub struct Upstream {
    pub address: String,
    seen: Arc<Mutex<Vec<String>>>,
    release: Sender<()>,
}

impl Upstream {
    pub fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (release, released) = channel();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&seen);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), reply, &noted, &released);
            }
        });
        Self { address, seen, release }
    }

    pub fn release(&self) {
        self.release.send(()).unwrap();
    }

    pub fn last_request(&self) -> String {
        self.seen.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// The first lines of all requests.
    pub fn first_lines(&self) -> Vec<String> {
        let first = |request: &String| request.lines().next().unwrap_or_default().to_owned();
        self.seen.lock().unwrap().iter().map(first).collect()
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn answer(mut stream: TcpStream, reply: Reply, seen: &Mutex<Vec<String>>, released: &Receiver<()>) {
    let request = read_request(&mut stream);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Whole => {
            let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"tiny-1","choices":[{"index":0,"message":{"role":"assistant","content":"hello from upstream"},"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
            write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
        }
        Reply::HeldStream => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            write!(stream, "{head}data: {}\n\n", chunk("first part", "null")).unwrap();
            released.recv_timeout(PATIENCE).unwrap();
            let usage = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"tiny-1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#;
            write!(stream, "data: {}\n\ndata: {usage}\n\ndata: [DONE]\n\n", chunk(" and last", "\"stop\"")).unwrap();
        }
    }
}

fn chunk(content: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"tiny-1","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":{finish}}}]}}"#
    )
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
        if line == "\r\n" || line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    text + &String::from_utf8_lossy(&body)
}
