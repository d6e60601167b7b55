//! Releases laid over one another: a tree whose leaves borrow from them.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::rules::Rule;
use super::tree::{Builder, Sink, Tree};
use super::{MergeError, Rules, Warning};
use crate::value::{MAX_DEPTH, escape};

/// What a place remembers of the values it was given.
pub(super) trait Leaf<'t, T: Tree>: Sized {
    /// Takes the value that a release has at the place.
    fn record(leaf: &mut Option<Self>, release: usize, value: &'t T);
    /// Whether the place has no value any more.
    fn is_removed(&self) -> bool;
    /// Writes what it remembers.
    fn emit(&self, sorted: &[&'t T], sink: &mut impl Sink<T>);
    /// Whether it is a list that items can be added to. If so, writes the items there are.
    fn begins_list(&self, sorted: &[&'t T], sink: &mut impl Sink<T>) -> bool;
}

/// The last value: what a compiled release keeps.
pub(super) struct Latest<'t, T>(&'t T);

impl<'t, T: Tree> Leaf<'t, T> for Latest<'t, T> {
    fn record(leaf: &mut Option<Self>, _release: usize, value: &'t T) {
        *leaf = Some(Latest(value));
    }

    fn is_removed(&self) -> bool {
        self.0.is_null()
    }

    fn emit(&self, _sorted: &[&'t T], sink: &mut impl Sink<T>) {
        sink.tree(self.0);
    }

    fn begins_list(&self, _sorted: &[&'t T], sink: &mut impl Sink<T>) -> bool {
        let items = self.0.array();
        items.into_iter().flatten().for_each(|item| sink.tree(item));
        items.is_some()
    }
}

/// Every value that differs from the one before, with its release: what a versioned release keeps.
pub(super) struct History<'t, T>(Vec<(usize, &'t T)>);

impl<'t, T: Tree> Leaf<'t, T> for History<'t, T> {
    fn record(leaf: &mut Option<Self>, release: usize, value: &'t T) {
        let history = leaf.get_or_insert_with(|| History(Vec::new()));
        // Of two items with one id in the same release, the last one counts.
        history.0.pop_if(|(of, _)| *of == release);
        if history.0.last().is_none_or(|(_, last)| !last.same(value)) {
            history.0.push((release, value));
        }
    }

    fn is_removed(&self) -> bool {
        false
    }

    fn emit(&self, sorted: &[&'t T], sink: &mut impl Sink<T>) {
        sink.begin_array();
        self.begins_list(sorted, sink);
        sink.end_array();
    }

    fn begins_list(&self, sorted: &[&'t T], sink: &mut impl Sink<T>) -> bool {
        for (release, value) in &self.0 {
            let release = sorted.get(*release);
            sink.begin_object(4);
            for (name, field) in [("releaseID", "id"), ("releaseDate", "date"), ("releaseTag", "tag")] {
                sink.name(name);
                match release.and_then(|release| release.get(field)) {
                    Some(value) => sink.tree(value),
                    None => sink.null(),
                }
            }
            sink.name("value");
            sink.tree(value);
            sink.end_object();
        }
        true
    }
}

/// A step down the tree.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key<'t> {
    Property(&'t str),
    /// An item with an `id`, as text: `1` and `"1"` are one item.
    Item(Cow<'t, str>),
    /// An item without `id` is never merged with another: the count of such items.
    Nameless(usize),
}

/// A place in the merged release. It always has a leaf, or children that have.
struct Node<'t, L, T> {
    leaf: Option<L>,
    /// Whether the leaf came before any child. The reference keeps whichever came first.
    leaf_first: bool,
    /// The `id` of an item, as first given.
    id: Option<&'t T>,
    /// Which array was the last to have this item.
    array: usize,
    children: Children<'t, L, T>,
}

impl<L, T> Default for Node<'_, L, T> {
    fn default() -> Self {
        Node { leaf: None, leaf_first: false, id: None, array: 0, children: Children::default() }
    }
}

impl<L, T> Node<'_, L, T> {
    fn is_empty(&self) -> bool {
        self.leaf.is_none() && self.children.entries.is_empty()
    }
}

/// The places below a place, in the order in which they appeared.
struct Children<'t, L, T> {
    entries: Vec<(Key<'t>, Node<'t, L, T>)>,
    /// Where each is, once there are too many to look through: an object has twenty fields, an array of payments may
    /// have thousands of items. A map for every place, rejected, took half the time of merging.
    #[expect(
        clippy::box_collection,
        reason = "few places have a map, and there is one of these for each place"
    )]
    index: Option<Box<HashMap<Key<'t>, usize, foldhash::fast::RandomState>>>,
}

impl<L, T> Default for Children<'_, L, T> {
    fn default() -> Self {
        Children { entries: Vec::new(), index: None }
    }
}

impl<'t, L, T> Children<'t, L, T> {
    const FEW: usize = 24;

    fn find(&self, key: &Key<'t>) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(own, _)| own == key),
        }
    }

    /// Where the child is. It is made if it is not there; its fields are the caller's to set.
    fn find_or_add(&mut self, key: Key<'t>) -> usize {
        if let Some(at) = self.find(&key) {
            return at;
        }
        let at = self.entries.len();
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), at);
        }
        self.entries.push((key, Node::default()));
        if self.index.is_none() && self.entries.len() > Self::FEW {
            self.number();
        }
        at
    }

    /// Takes a child out that turned out to hold nothing. It nearly always is the last.
    fn remove(&mut self, at: usize) {
        let (key, _) = self.entries.remove(at);
        if at < self.entries.len() && self.index.is_some() {
            self.number();
        } else if let Some(index) = &mut self.index {
            index.remove(&key);
        }
    }

    fn number(&mut self) {
        let keys = self.entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at));
        self.index = Some(Box::new(keys.collect()));
    }
}

/// Releases laid over one another, in order.
pub(super) struct Overlay<'t, L, T> {
    root: Node<'t, L, T>,
    releases: usize,
    arrays: usize,
    nameless: usize,
}

impl<L, T> Default for Overlay<'_, L, T> {
    fn default() -> Self {
        Overlay { root: Node::default(), releases: 0, arrays: 0, nameless: 0 }
    }
}

/// What one release is laid with.
struct Pass<'p> {
    rules: &'p Rules,
    release: usize,
    arrays: &'p mut usize,
    nameless: &'p mut usize,
    warnings: &'p mut Vec<Warning>,
}

impl<'t, T: Tree, L: Leaf<'t, T>> Overlay<'t, L, T> {
    /// Lays a release over those before it. After an error the overlay is of no use.
    pub(super) fn lay(
        &mut self,
        rules: &Rules,
        release: &'t T,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), MergeError> {
        let (arrays, nameless) = (&mut self.arrays, &mut self.nameless);
        let mut pass = Pass { rules, release: self.releases, arrays, nameless, warnings };
        self.releases += 1;
        pass.lay(&mut self.root, release, rules.root(), &mut Vec::new())
    }

    /// Writes the compiled release of what was laid so far.
    pub(super) fn compiled(&self, sorted: &[&'t T], sink: &mut impl Sink<T>) -> Result<(), MergeError> {
        let last = sorted.last().ok_or(MergeError::Empty)?;
        let text = |name: &str| last.get(name).and_then(T::text).unwrap_or_default();
        let id = format!("{}-{}", text("ocid"), text("date"));
        self.whole(sorted, sink, &["tag", "id", "date", "ocid"], |name, sink| match name {
            "tag" => {
                sink.name(name);
                sink.begin_array();
                sink.string("compiled");
                sink.end_array();
            }
            "id" => {
                sink.name(name);
                sink.string(&id);
            }
            _ => {
                if let Some(value) = last.get(name).filter(|value| !value.is_null()) {
                    sink.name(name);
                    sink.tree(value);
                }
            }
        })
    }

    /// Writes the versioned release of what was laid so far.
    pub(super) fn versioned(&self, sorted: &[&'t T], sink: &mut impl Sink<T>) -> Result<(), MergeError> {
        let last = sorted.last().ok_or(MergeError::Empty)?;
        self.whole(sorted, sink, &["ocid"], |name, sink| {
            if let Some(ocid) = last.get(name).filter(|ocid| !ocid.is_null()) {
                sink.name(name);
                sink.tree(ocid);
            }
        })
    }

    /// The merged release: its head, then the rest.
    fn whole<S: Sink<T>>(
        &self,
        sorted: &[&'t T],
        sink: &mut S,
        head: &[&'static str],
        write: impl Fn(&'static str, &mut S),
    ) -> Result<(), MergeError> {
        let path = &mut Vec::new();
        sink.begin_object(head.len() + self.root.children.entries.len());
        for name in head {
            // Where the schema does not omit `id` or `date`, the values of the releases win, as in the reference.
            let own =
                self.root.children.find(&Key::Property(name)).map(|at| &self.root.children.entries[at].1);
            match own.filter(|node| !node.is_removed()) {
                Some(node) => {
                    sink.name(name);
                    path.push(*name);
                    node.emit(sorted, sink, path)?;
                    path.pop();
                }
                None => write(name, sink),
            }
        }
        for (key, node) in &self.root.children.entries {
            let Key::Property(name) = key else { continue };
            if head.contains(name) || node.is_removed() {
                continue;
            }
            sink.name(name);
            path.push(name);
            node.emit(sorted, sink, path)?;
            path.pop();
        }
        sink.end_object();
        Ok(())
    }
}

impl Pass<'_> {
    /// Lays an object over the node.
    fn lay<'t, T: Tree, L: Leaf<'t, T>>(
        &mut self,
        node: &mut Node<'t, L, T>,
        object: &'t T,
        at: Option<usize>,
        path: &mut Vec<&'t str>,
    ) -> Result<(), MergeError> {
        if path.len() > MAX_DEPTH {
            return Err(MergeError::TooDeep { pointer: pointer(path) });
        }
        for (name, value) in object.fields() {
            let (rule, below) = self.rules.step(at, name);
            // `ocid` and `tag` are set by the caller, whatever the schema says (OCDS 1.0 did not omit `tag`).
            if rule == Rule::Omit || (path.is_empty() && (name == "tag" || name == "ocid")) {
                continue;
            }
            let items = value.array();
            let is_leaf = rule == Rule::WholeList
                || match items {
                    Some(items) => items.iter().any(|item| !item.is_object()),
                    None => !value.is_object(),
                };
            let key = Key::Property(name);
            if is_leaf {
                let at = node.children.find_or_add(key);
                let child = &mut node.children.entries[at].1;
                if child.leaf.is_none() {
                    child.leaf_first = child.children.entries.is_empty();
                }
                L::record(&mut child.leaf, self.release, value);
                continue;
            }
            if items.is_some_and(<[T]>::is_empty) {
                continue;
            }
            let at = node.children.find_or_add(key);
            let child = &mut node.children.entries[at].1;
            path.push(name);
            match items {
                Some(items) => self.lay_items(child, items, below, path)?,
                None => self.lay(child, value, below, path)?,
            }
            path.pop();
            // An object that turned out to hold nothing leaves no trace.
            if child.is_empty() {
                node.children.remove(at);
            }
        }
        Ok(())
    }

    fn lay_items<'t, T: Tree, L: Leaf<'t, T>>(
        &mut self,
        node: &mut Node<'t, L, T>,
        items: &'t [T],
        at: Option<usize>,
        path: &mut Vec<&'t str>,
    ) -> Result<(), MergeError> {
        *self.arrays += 1;
        let array = *self.arrays;
        for item in items {
            let id = item.get("id");
            let key = match id {
                Some(id) => Key::Item(id.id()),
                None => {
                    *self.nameless += 1;
                    Key::Nameless(*self.nameless)
                }
            };
            let place = node.children.find_or_add(key);
            let (key, child) = &mut node.children.entries[place];
            if child.array == array
                && let Key::Item(id) = key
            {
                let (release, pointer, id) = (self.release, pointer(path), id.to_string());
                self.warnings.push(Warning::DuplicateId { release, pointer, id });
            }
            if child.is_empty() {
                child.id = id.filter(|id| !id.is_null());
            }
            child.array = array;
            self.lay(child, item, at, path)?;
            if child.is_empty() {
                node.children.remove(place);
            }
        }
        Ok(())
    }
}

impl<'t, T: Tree, L: Leaf<'t, T>> Node<'t, L, T> {
    /// Whether a `null` removed the value of the place.
    fn is_removed(&self) -> bool {
        self.children.entries.is_empty() && self.leaf.as_ref().is_none_or(L::is_removed)
    }

    /// Writes the value of a place that is not removed.
    fn emit<'p>(
        &'p self,
        sorted: &[&'t T],
        sink: &mut impl Sink<T>,
        path: &mut Vec<&'p str>,
    ) -> Result<(), MergeError> {
        let children = &self.children.entries;
        let Some((first, _)) = children.first() else {
            if let Some(leaf) = &self.leaf {
                leaf.emit(sorted, sink);
            }
            return Ok(());
        };
        // A value that came before the children: items are added to a list; anything else cannot be reconciled.
        // A value that came after them is dropped. Both are what the reference does.
        let before = self.leaf.as_ref().filter(|leaf| self.leaf_first && !leaf.is_removed());
        let inconsistent = |path: &[&str]| MergeError::InconsistentType { pointer: pointer(path) };
        if matches!(first, Key::Property(_)) {
            if before.is_some() {
                return Err(inconsistent(path));
            }
            sink.begin_object(children.len());
            self.fields(false, sorted, sink, path)?;
            sink.end_object();
            return Ok(());
        }
        sink.begin_array();
        if before.is_some_and(|leaf| !leaf.begins_list(sorted, sink)) {
            return Err(inconsistent(path));
        }
        for (key, item) in children {
            let step = match key {
                Key::Item(id) => id.as_ref(),
                Key::Nameless(_) => "",
                Key::Property(_) => return Err(inconsistent(path)),
            };
            path.push(step);
            sink.begin_object(item.children.entries.len());
            if let Some(id) = item.id {
                sink.name("id");
                sink.tree(id);
            }
            item.fields(item.id.is_some(), sorted, sink, path)?;
            sink.end_object();
            path.pop();
        }
        sink.end_array();
        Ok(())
    }

    /// Writes the fields of an object. The id of an item is its identity: it is neither replaced nor versioned.
    fn fields<'p>(
        &'p self,
        without_id: bool,
        sorted: &[&'t T],
        sink: &mut impl Sink<T>,
        path: &mut Vec<&'p str>,
    ) -> Result<(), MergeError> {
        for (key, field) in &self.children.entries {
            let Key::Property(name) = key else {
                return Err(MergeError::InconsistentType { pointer: pointer(path) });
            };
            if (without_id && *name == "id") || field.is_removed() {
                continue;
            }
            sink.name(name);
            path.push(name);
            field.emit(sorted, sink, path)?;
            path.pop();
        }
        Ok(())
    }
}

fn pointer(path: &[&str]) -> String {
    path.iter().map(|step| format!("/{}", escape(step))).collect()
}

/// The compiled release of a process, release by release.
#[derive(Default)]
pub(crate) struct Compiling<'t> {
    overlay: Overlay<'t, Latest<'t, Value>, Value>,
    failed: bool,
}

impl<'t> Compiling<'t> {
    /// Adds the next release. `None` if the releases so far cannot be merged.
    pub(crate) fn add(&mut self, rules: &Rules, release: &'t Value) -> Option<Value> {
        let mut sink = Builder::default();
        self.failed |= self.overlay.lay(rules, release, &mut Vec::new()).is_err();
        let merged = self.overlay.compiled(&[release], &mut sink);
        (!self.failed && merged.is_ok()).then(|| sink.finish())
    }
}
