//! The real window under Xvfb, driven through WebKitWebDriver.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// A display, a driver and the window of the application, with folders of its own.
pub struct Window {
    /// The session.
    pub page: Client,
    display: Child,
    driver: Child,
}

/// How long anything on the page may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Window {
    /// Opens the window on a device's folder. `home` receives what WebKit writes.
    ///
    /// # Errors
    /// A program that is missing, or a session that does not begin.
    pub async fn open(data: &Path, home: &Path) -> Result<Window> {
        Window::open_program(&crate::program("avance"), data, home).await
    }

    /// The same with another build of the window.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub async fn open_program(program: &Path, data: &Path, home: &Path) -> Result<Window> {
        std::fs::create_dir_all(home)?;
        let (display, number) = display()?;
        let port = crate::free_port();
        let mut command = Command::new("WebKitWebDriver");
        command.arg("--host=127.0.0.1").arg(format!("--port={port}"));
        command.env("DISPLAY", format!(":{number}")).env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.env("HOME", home).env("LANG", "es_MX.UTF-8").env("AVANCE_PASSPHRASE", crate::PASSPHRASE);
        for (name, folder) in
            [("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache")]
        {
            command.env(name, home.join(folder));
        }
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").stdout(Stdio::null());
        let log = std::fs::File::create(home.join("driver.log"))?;
        let driver =
            command.stderr(log).spawn().context("WebKitWebDriver is not installed (webkit2gtk-driver)")?;
        let started = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("WebKitWebDriver does not listen");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let data = data.to_str().context("a folder in UTF-8")?;
        let options = json!({"binary": program, "args": ["--data", data]});
        let mut capabilities = fantoccini::wd::Capabilities::new();
        capabilities.insert("webkitgtk:browserOptions".into(), options);
        let mut builder = ClientBuilder::new(hyper_util_connector());
        let address = format!("http://127.0.0.1:{port}");
        let session = builder.capabilities(capabilities).connect(&address);
        // Without automation the session would wait for ever.
        let page = tokio::time::timeout(Duration::from_secs(60), session)
            .await
            .context("the window did not open")??;
        Ok(Window { page, display, driver })
    }

    /// Waits for an element.
    ///
    /// # Errors
    /// If it does not appear.
    pub async fn find(&self, css: &str) -> Result<fantoccini::elements::Element> {
        self.page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
            .with_context(|| format!("waiting for {css}"))
    }

    /// Presses keys on whatever has the focus, as a keyboard would.
    ///
    /// # Errors
    /// If the session ended.
    pub async fn press(&self, keys: &str) -> Result<()> {
        Ok(self.page.active_element().await?.send_keys(keys).await?)
    }

    /// Puts the focus on a field, empties it and types.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        self.find(css).await?;
        // The driver refuses to click what the status bar may cover; a keyboard does not ask.
        let focus = "const field = document.querySelector(arguments[0]); field.focus(); field.select();";
        self.page.execute(focus, vec![json!(css)]).await?;
        self.press(text).await
    }

    /// Waits until an element is gone.
    ///
    /// # Errors
    /// If it stays.
    pub async fn gone(&self, css: &str) -> Result<()> {
        let start = std::time::Instant::now();
        while !self.page.find_all(Locator::Css(css)).await?.is_empty() {
            if start.elapsed() > PATIENCE {
                bail!("{css} is still there");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Goes to a screen.
    ///
    /// # Errors
    /// If the session ended.
    pub async fn go(&self, hash: &str) -> Result<()> {
        self.page.execute("location.hash = arguments[0];", vec![json!(hash)]).await?;
        Ok(())
    }

    /// Presses a key together with Control.
    ///
    /// # Errors
    /// If the session ended.
    pub async fn control(&self, key: &str) -> Result<()> {
        self.press(&format!("{}{key}{}", char::from(Key::Control), char::from(Key::Null))).await
    }

    /// Keeps a picture of the window. The first one may be stale, so two are taken after two frames.
    ///
    /// # Errors
    /// If the session ended or the file cannot be written.
    pub async fn picture(&self, name: &str) -> Result<PathBuf> {
        let frames = "const done = arguments[arguments.length - 1]; \
                      requestAnimationFrame(() => requestAnimationFrame(() => done(true)));";
        self.page.execute_async(frames, vec![]).await?;
        self.page.screenshot().await?;
        let png = self.page.screenshot().await?;
        let folder = screenshots();
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, png)?;
        Ok(path)
    }

    /// Closes the window and what it needed.
    ///
    /// # Errors
    /// If the session ended before.
    pub async fn close(mut self) -> Result<()> {
        let page = self.page.clone();
        page.close().await?;
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        for child in [&mut self.driver, &mut self.display] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where pictures are kept.
pub fn screenshots() -> PathBuf {
    crate::root().join("tests/screenshots")
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// A display nobody looks at; it says its own number.
fn display() -> Result<(Child, String)> {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("Xvfb is not installed")?;
    let mut number = String::new();
    BufReader::new(child.stdout.take().context("piped")?).read_line(&mut number)?;
    if number.trim().is_empty() {
        bail!("Xvfb did not start");
    }
    Ok((child, number.trim().to_owned()))
}
