//! The central side: three nodes on one data folder, each a real endpoint with its real router.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use central::base::Loader;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::load::BaseRow;
use central::store::Tx;
use chrono::Duration;
use client::{Answered, Asked};
use domain::clock::Clock;
use domain::disk::Disk;
use domain::person::Role;
use reqwest::header::HeaderMap;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::outside::{Fragile, Time, Watch};

/// How many nodes there are.
pub const NODES: usize = 3;
/// Changes in a page: few, so that a pull has several.
const PAGE: usize = 7;

/// Name, role, área, trained.
pub const PEOPLE: [(&str, Role, &str, bool); 6] = [
    ("Ana", Role::Enlace, "Obras", true),
    ("Beto", Role::Campo, "Obras", true),
    ("Celia", Role::Enlace, "Parques", true),
    ("Dario", Role::Campo, "Parques", true),
    ("Elena", Role::Campo, "Agua", false),
    ("Fidel", Role::Coordinacion, "Obras", true),
];

/// Folio and área.
pub const PROJECTS: [(&str, Option<&str>); 6] = [
    ("p1", Some("Obras")),
    ("p2", Some("Obras")),
    ("p3", Some("Parques")),
    ("p4", Some("Parques")),
    ("p5", Some("Agua")),
    ("p6", None),
];

/// Áreas that a project may be moved to.
pub const AREAS: [Option<&str>; 4] = [Some("Obras"), Some("Parques"), Some("Agua"), None];

/// One node.
pub struct Node {
    pub endpoint: Arc<Endpoint>,
    pub disk: Arc<Fragile>,
    pub watch: Watch,
    /// Step until which nothing listens.
    pub down_until: usize,
    router: Router,
}

/// The nodes and their folder.
pub struct CentralSide {
    pub data: PathBuf,
    pub nodes: Vec<Node>,
    time: Time,
}

pub fn options(data: &Path) -> Options {
    Options {
        data: Some(data.to_owned()),
        municipality: Some("Municipio de muestra".into()),
        public_url: Some("https://ejemplo.mx".into()),
        ..Options::default()
    }
}

impl CentralSide {
    /// Opens every node.
    pub fn open(data: &Path, time: &Time) -> Result<CentralSide> {
        let mut side = CentralSide { data: data.to_owned(), nodes: Vec::new(), time: Arc::clone(time) };
        for _ in 0..NODES {
            let node = side.node(Watch::new(time))?;
            side.nodes.push(node);
        }
        Ok(side)
    }

    fn node(&self, watch: Watch) -> Result<Node> {
        let disk = Arc::new(Fragile::default());
        let config = Config::load(&options(&self.data))?;
        let passed: Arc<dyn Disk> = disk.clone();
        let mut endpoint = Endpoint::open_on(config, Arc::new(watch.clone()), Some(passed))?;
        endpoint.inline = true;
        endpoint.page = PAGE;
        let endpoint = Arc::new(endpoint);
        let router = central::router::router(endpoint.clone());
        Ok(Node { endpoint, disk, watch, down_until: 0, router })
    }

    /// A node starts again.
    pub fn restart(&mut self, n: usize, down_until: usize) -> Result<()> {
        let watch = self.nodes[n].watch.clone();
        self.nodes[n] = Node { down_until, ..self.node(watch)? };
        Ok(())
    }

    /// Every node starts again, on another folder.
    pub fn move_to(&mut self, data: &Path) -> Result<()> {
        self.nodes.clear();
        *self = CentralSide::open(data, &self.time.clone())?;
        Ok(())
    }

    /// A node takes a request and answers it.
    pub fn serve(&self, n: usize, asked: &Asked) -> Result<Answered> {
        let target = match asked.url.query() {
            Some(query) => format!("{}?{query}", asked.url.path()),
            None => asked.url.path().to_owned(),
        };
        let mut request = axum::http::Request::builder().method(asked.method.clone()).uri(target);
        if let Some(headers) = request.headers_mut() {
            *headers = asked.headers.clone();
        }
        let request = request.body(Body::from(asked.body.clone()))?;
        let router = self.nodes[n].router.clone();
        at_once(async move {
            let response = router.oneshot(request).await.context("the router")?;
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await?.to_vec();
            Ok(Answered { status: parts.status, headers: parts.headers, body })
        })
    }

    /// Makes something in a transaction of node 0, outside of any program: what the administration does.
    pub fn administer<T>(&self, work: impl FnOnce(&Endpoint, &dyn Tx) -> Result<T>) -> Result<T> {
        let endpoint = &self.nodes[0].endpoint;
        let tx = endpoint.store.begin()?;
        let value = work(endpoint, &*tx)?;
        tx.commit()?;
        Ok(value)
    }

    /// Reads.
    pub fn read<T>(&self, work: impl FnOnce(&Endpoint, &dyn Tx) -> Result<T>) -> Result<T> {
        let endpoint = &self.nodes[0].endpoint;
        let tx = endpoint.store.read()?;
        work(endpoint, &*tx)
    }

    /// The list says that a project belongs to an área.
    pub fn assign(&self, folio: &str, area: Option<&str>) -> Result<()> {
        self.administer(|endpoint, tx| {
            let mut loader = Loader::new(endpoint, tx);
            loader.put(&row(folio, area))?;
            loader.finish()?;
            Ok(())
        })
    }

    /// A code for a new device of a person.
    pub fn code(&self, person: usize, trained: bool) -> Result<String> {
        let (name, role, area, _) = PEOPLE[person];
        self.administer(|endpoint, tx| {
            let now = endpoint.now();
            Ok(central::auth::add_person(tx, name, role, area, trained, now, Duration::days(14))?.1)
        })
    }

    /// The identity that a device of this name has now.
    pub fn identity(&self, device: &str) -> Result<Option<Uuid>> {
        self.read(|_, tx| {
            let rows = tx.devices()?;
            let own = rows.iter().filter(|row| row.device == device && !row.revoked);
            Ok(own.map(|row| row.device_id).max())
        })
    }

    /// Decides what is queued, on a node; gives how many were accepted.
    pub fn decide(&self, n: usize) -> Result<usize> {
        Ok(central::accept::run(&self.nodes[n].endpoint)?)
    }

    /// Every session is over, as after an administrator emptied the table.
    pub fn forget_tokens(&self) -> Result<()> {
        let database = rusqlite::Connection::open(self.data.join("central.db"))?;
        database.busy_timeout(std::time::Duration::from_secs(5))?;
        database.execute("DELETE FROM access_token", [])?;
        Ok(())
    }

    pub fn backup(&self, to: &Path) -> Result<()> {
        let endpoint = &self.nodes[0].endpoint;
        central::backup::make(&endpoint.config, to, true, endpoint.now(), &mut |_, _| {})?;
        Ok(())
    }

    /// Restores a backup into a new folder and serves from it.
    pub fn restore(&mut self, from: &Path, into: &Path) -> Result<()> {
        let watch: Arc<dyn Clock> = Arc::new(Watch::new(&self.time));
        let restored = central::restore::restore(&options(into), from, watch, &mut |_, _| {})?;
        anyhow::ensure!(restored.verdict.broken.is_empty(), "restored: {:?}", restored.verdict.broken);
        self.move_to(into)
    }

    /// Clocks are right, disks work and everything listens.
    pub fn mend(&mut self) {
        for node in &mut self.nodes {
            node.disk.mend();
            node.watch.off.store(0, Ordering::Relaxed);
            node.down_until = 0;
        }
    }
}

/// A row of the list of projects.
pub fn row(folio: &str, area: Option<&str>) -> BaseRow {
    BaseRow {
        row: 2,
        folio: folio.to_owned(),
        title: format!("Obra {folio}"),
        description: None,
        place: None,
        area: area.map(str::to_owned),
        amount: Some(100_000.into()),
        currency: Some("MXN".into()),
        url: None,
        date: None,
    }
}

/// Headers of an answer of somebody else.
pub fn plain_headers(kind: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", reqwest::header::HeaderValue::from_static(kind));
    headers
}

/// Runs what never has to wait: there is one thread, and everything it needs is there.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("something waits that has nothing to wait for");
}
