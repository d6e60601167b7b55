//! The window, asked from inside by its own clock: how long until its list stood, a search, a field that is saved.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use journeys::window::Window;
use serde_json::{Value, json};

use crate::sample;
use crate::tree::{self, Memory};

/// How often each is asked.
const TIMES: usize = 200;
/// Keys that are pressed and seen as saved, and searches that are typed and seen.
const SEEN: usize = 20;

/// How long until the list stood, milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Since the process began.
    pub process: f64,
    /// Since the web view began to load the page.
    pub view: f64,
}

/// Times in milliseconds, as the window asks and as a person sees.
#[derive(Debug)]
pub struct Times {
    /// The command alone: asked and answered.
    pub command: Vec<f64>,
    /// From the key to the screen.
    pub seen: Vec<f64>,
}

pub struct Opened {
    window: Window,
    pid: u32,
    pub start: Start,
}

impl Opened {
    /// Opens the window and waits until its list stands.
    pub async fn window(program: &Path, data: &Path, home: &Path) -> Result<Opened> {
        let window = Window::open_program(program, data, home).await?;
        window.find("li[data-follow-up], li[data-folio]").await?;
        let pid = tree::window_of(data)?;
        let marks = "const mark = performance.getEntriesByName('rows')[0]; \
                     return [performance.timeOrigin, mark ? mark.startTime : null];";
        let marks = window.page.execute(marks, vec![]).await?;
        let origin = marks[0].as_f64().context("performance.timeOrigin")?;
        let view = marks[1].as_f64().context("la lista no dejó su marca")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let began = (now - tree::age(pid)?) * 1e3;
        Ok(Opened { window, pid, start: Start { process: origin + view - began, view } })
    }

    pub fn memory(&self) -> Result<Memory> {
        tree::memory(self.pid)
    }

    /// Searches for folios, words of titles and places, each another.
    pub async fn search(&self, projects: usize) -> Result<Times> {
        let words: Vec<String> = (0..TIMES)
            .map(|n| match n % 4 {
                0 => sample::folio(n * 37 % projects),
                1 => format!("muestra {}", n * 53 % projects),
                2 => ["parque", "banq", "luminarias", "jardin", "senal"][n % 5].to_owned(),
                _ => format!("colonia {}", n % 60),
            })
            .collect();
        let script = "const [words, done] = arguments; (async () => { const times = []; \
            for (const text of words) { const began = performance.now(); \
              await window.__TAURI_INTERNALS__.invoke('call', { name: 'project_list', payload: { text, limit: 100 } }); \
              times.push(performance.now() - began); } return times; })().then(done, (error) => done(String(error)));";
        let command = self.numbers(script, json!(words)).await?;
        self.window.go("#/proyectos").await?;
        self.window.find("input[name=search]").await?;
        // From the key until every row is one that was asked for, and drawn.
        let script = "const [words, done] = arguments; const frame = () => new Promise(requestAnimationFrame); \
            (async () => { const times = []; const field = document.querySelector('input[name=search]'); \
            for (const text of words) { const began = performance.now(); field.value = text; \
              field.dispatchEvent(new Event('input', { bubbles: true })); \
              const there = () => { const rows = [...document.querySelectorAll('li[data-folio]')]; \
                return rows.length > 0 && rows.every((row) => row.dataset.folio.startsWith(text)); }; \
              while (!there()) { \
                if (performance.now() - began > 20000) throw new Error(text); await frame(); } \
              await frame(); times.push(performance.now() - began); } return times; })() \
            .then(done, (error) => done(String(error)));";
        let folios: Vec<String> =
            (0..SEEN).map(|n| sample::folio(projects - 1 - n * 41 % (projects / 2))).collect();
        Ok(Times { command, seen: self.numbers(script, json!(folios)).await? })
    }

    /// Saves one field of a draft, as the form does while somebody types.
    pub async fn save(&self, folio: &str) -> Result<Times> {
        let begin = "const [folio, done] = arguments; \
            window.__TAURI_INTERNALS__.invoke('call', { name: 'draft_new', payload: { folio, stage: 'implementation' } }) \
            .then((draft) => done(draft.id), (error) => done(JSON.stringify(error)));";
        let draft = self.window.page.execute_async(begin, vec![json!(folio)]).await?;
        let id = draft.as_str().filter(|id| id.len() == 36).with_context(|| draft.to_string())?.to_owned();
        let script = "const [[id, count], done] = arguments; (async () => { const times = []; \
            for (let n = 0; n < count; n += 1) { const began = performance.now(); \
              await window.__TAURI_INTERNALS__.invoke('call', { name: 'draft_save', \
                payload: { id, values: { notes: `Nota de muestra ${n}` } } }); \
              times.push(performance.now() - began); } return times; })().then(done, (error) => done(JSON.stringify(error)));";
        let command = self.numbers(script, json!([id, TIMES])).await?;
        self.window.go(&format!("#/seguimiento/{id}")).await?;
        self.window.find("textarea[name=notes]").await?;
        let script = "const [count, done] = arguments; const frame = () => new Promise(requestAnimationFrame); \
            (async () => { const times = []; const field = document.querySelector('textarea[name=notes]'); \
            const state = () => document.querySelector('[data-saving]').dataset.saving; \
            for (let n = 0; n < count; n += 1) { const began = performance.now(); field.value += 'a'; \
              field.dispatchEvent(new Event('input', { bubbles: true })); await frame(); \
              while (state() !== 'saved') { \
                if (performance.now() - began > 20000) throw new Error(state()); await frame(); } \
              times.push(performance.now() - began); } return times; })().then(done, (error) => done(String(error)));";
        Ok(Times { command, seen: self.numbers(script, json!(SEEN)).await? })
    }

    async fn numbers(&self, script: &str, given: Value) -> Result<Vec<f64>> {
        let answer = self.window.page.execute_async(script, vec![given]).await?;
        let Some(list) = answer.as_array() else { bail!("la página contestó {answer}") };
        Ok(list.iter().filter_map(Value::as_f64).collect())
    }

    pub async fn close(self) -> Result<()> {
        self.window.close().await
    }
}
