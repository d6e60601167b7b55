//! The published folder as a whole: every page is HTML without a fault, and no link of any of them leads nowhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use html5ever::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, Rcdata, ScriptData};
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use journeys::{CANARY, Central, Device, files_under, photograph, progress, wait_until, with_contract};

/// What a page is made of, and what is wrong with it.
#[derive(Default)]
struct Page {
    open: Vec<String>,
    ids: BTreeSet<String>,
    links: Vec<String>,
    headings: Vec<u32>,
    faults: Vec<String>,
}

#[derive(Default)]
struct Reader(RefCell<Page>);

/// Elements that have nothing in them; those of SVG close themselves.
const EMPTY: [&str; 6] = ["meta", "link", "img", "br", "input", "hr"];

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        let page = &mut *page;
        let tag = match token {
            Token::ParseError(fault) => {
                page.faults.push(format!("line {line}: {fault}"));
                return TokenSinkResult::Continue;
            }
            Token::TagToken(tag) => tag,
            _ => return TokenSinkResult::Continue,
        };
        let name = tag.name.to_string();
        if tag.kind == TagKind::EndTag {
            let opened = page.open.pop();
            if opened.as_deref() != Some(&name) {
                page.faults.push(format!("line {line}: </{name}> closes {opened:?}"));
            }
            return TokenSinkResult::Continue;
        }
        let attribute = |wanted: &str| {
            let found = tag.attrs.iter().find(|attribute| &*attribute.name.local == wanted);
            found.map(|attribute| attribute.value.to_string())
        };
        if let Some(id) = attribute("id")
            && !page.ids.insert(id.clone())
        {
            page.faults.push(format!("line {line}: a second «{id}»"));
        }
        page.links.extend(attribute("href").into_iter().chain(attribute("src")));
        match name.as_str() {
            "img" if attribute("alt").is_none_or(|alt| alt.is_empty()) => {
                page.faults.push(format!("line {line}: a picture that nobody describes"));
            }
            "a" if attribute("href").is_none_or(|href| href.is_empty()) => {
                page.faults.push(format!("line {line}: a link without an address"));
            }
            "html" if attribute("lang").is_none() => page.faults.push("no language".into()),
            "h1" | "h2" | "h3" | "h4" => {
                page.headings.extend(name[1..].parse::<u32>());
            }
            _ => {}
        }
        if !tag.self_closing && !EMPTY.contains(&name.as_str()) {
            page.open.push(name.clone());
        }
        match name.as_str() {
            "script" => TokenSinkResult::RawData(ScriptData),
            "style" => TokenSinkResult::RawData(Rawtext),
            "title" if !page.open.iter().any(|name| name == "svg") => TokenSinkResult::RawData(Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

fn read(path: &Path) -> Page {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let options = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(Reader::default(), options);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    let mut page = tokenizer.sink.0.take();
    if !page.open.is_empty() {
        page.faults.push(format!("never closed: {:?}", page.open));
    }
    if page.headings.iter().filter(|level| **level == 1).count() != 1 {
        page.faults.push("not one title".into());
    }
    if page.headings.windows(2).any(|pair| pair[1] > pair[0] + 1) {
        page.faults.push(format!("a heading is skipped: {:?}", page.headings));
    }
    page
}

/// Where a link of a page leads, in the folder; none for what is somebody else's.
fn target(public: &Path, page: &Path, link: &str, own: &str) -> Option<(PathBuf, Option<String>)> {
    let (link, part) = match link.split_once('#') {
        Some((link, part)) => (link, Some(part.to_owned())),
        None => (link, None),
    };
    if link.starts_with("data:") {
        return None;
    }
    if let Some(rest) = link.strip_prefix(own) {
        return Some((public.join(rest.trim_start_matches('/')), part));
    }
    if link.contains("://") {
        assert!(link.starts_with("https://"), "{link} is no address one should follow");
        return None;
    }
    assert!(!link.starts_with('/'), "{link} in {} needs the site to be at a root", page.display());
    if link.is_empty() {
        return Some((page.to_owned(), part));
    }
    let mut found = page.parent().expect("a page is in a folder").to_owned();
    for step in link.split('/') {
        match step {
            "" | "." => {}
            ".." => assert!(found.pop(), "{link}"),
            step => found.push(step),
        }
    }
    // Links to pages end in `/`.
    let is_page = link.ends_with('/') || link.ends_with("..") || link.ends_with('.');
    assert!(is_page || !found.is_dir(), "{link} in {} is a folder, and does not say so", page.display());
    Some((if found.is_dir() { found.join("index.html") } else { found }, part))
}

#[test]
fn every_page_is_html_and_no_link_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::ready(&folder.path().join("central"));
    let device = Device::new(&folder.path().join("equipo"));
    device.enrol(&central, &central.code("Persona de muestra", "enlace", "Obras de muestra", true));
    let photo = format!("{}:illustration", photograph(&folder.path().join("foto.jpg"), 40).display());
    device.capture("d1_p1", &with_contract("OP-1", 50_000, 20), std::slice::from_ref(&photo));
    let mut placed = progress(10);
    placed["release"] = serde_json::json!({"planning": {"project": {"locations": [
        {"geometry": {"type": "Point", "coordinates": [-100.4, 25.66]}}]}}});
    for (folio, longitude) in [("d1_p2", -100.41), ("d1_p3", -100.39)] {
        placed["release"]["planning"]["project"]["locations"][0]["geometry"]["coordinates"][0] =
            longitude.into();
        device.capture(folio, &placed, &[]);
    }
    device.ok(&["send"]);
    wait_until("they are published", Duration::from_secs(30), || {
        device.ok(&["send"]);
        device.count("published") == 3
    });
    central.kill();
    // Words that a page could take for its own.
    let list = folder.path().join("lista.csv");
    let row = "x-1,\"</script><b>\"\"Parque\"\" & 'fuente' ]]> <!--\",Proyecto inventado,\"Parques & <jardines>\",\"Col. <i>\",10,MXN,\n";
    std::fs::write(&list, format!("folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n{row}")).unwrap();
    central.ok(&["load", list.to_str().unwrap()]);
    central.ok(&["publish"]);

    let public = central.public("");
    let pages: BTreeMap<PathBuf, Page> = files_under(&public)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "html"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    let (mut followed, mut reached) = (0, BTreeSet::new());
    for (path, page) in &pages {
        assert!(page.faults.is_empty(), "{}: {:#?}", path.display(), page.faults);
        for link in &page.links {
            let Some((file, part)) = target(&public, path, link, &central.url()) else { continue };
            let file = if file.is_dir() { file.join("index.html") } else { file };
            assert!(file.exists(), "{link} in {} leads nowhere", path.display());
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                assert!(pages[&file].ids.contains(&part), "{link} in {} leads nowhere", path.display());
            }
            followed += 1;
            reached.insert(file);
        }
    }
    // And every page is found from another.
    let lost: Vec<_> = pages.keys().filter(|page| !reached.contains(*page)).collect();
    assert!(lost.is_empty(), "nothing leads to {lost:?}");
    println!("{} pages, {followed} links", pages.len());
    for kind in
        ["proyectos/x-1", "etapa/en-obra", "area/parques-jardines", "lugar/d1", "datos", "diccionario"]
    {
        assert!(pages.contains_key(&public.join(kind).join("index.html")), "{kind}");
    }
    let index = std::fs::read_to_string(public.join("index.html")).unwrap();
    assert_eq!(index.matches("<circle").count(), 2 + 3, "the projects that have a place, and the key");
    assert!(!index.contains(CANARY) && index.contains("&#60;/script&#62;"));
    let project = std::fs::read_to_string(public.join("proyectos/x-1/index.html")).unwrap();
    for said in ["og:title", "application/ld+json", "Código QR", "Por iniciar", "Qué falta"] {
        assert!(project.contains(said), "{said}");
    }
}
