//! The release schema as something to walk a release with: which field is which, and in what object.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::value::push_escaped;

/// What the schema says about a field.
#[derive(Debug, Default)]
pub(crate) struct Property {
    /// Codelist, without `.csv`, and whether it is open.
    pub codelist: Option<(String, bool)>,
    pub is_date: bool,
    pub deprecated: bool,
    /// Items are replaced as a whole when merged, so they need no identity.
    pub whole_list: bool,
    /// The object, or the items of the array, that the field holds.
    place: Option<usize>,
}

/// An object of the schema.
#[derive(Debug, Default)]
struct Place {
    /// Name of the definition (`Contract`), or `Definition.field` for an object described where it is used.
    name: String,
    properties: HashMap<String, Property, foldhash::fast::RandomState>,
    /// Fields that may be repeated in other languages: `title_en`.
    translated: Vec<String>,
    /// Any field may be there (`dimensions` of an observation).
    open: bool,
}

/// A field of a release.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// JSON Pointer to it.
    pub pointer: &'a str,
    pub name: &'a str,
    pub value: &'a Value,
    /// `None` if the schema has no such field.
    pub property: Option<&'static Property>,
    /// Definition of the object it is in.
    pub within: &'static str,
}

/// An object of a release.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    /// JSON Pointer to it.
    pub pointer: &'a str,
    pub definition: &'static str,
    /// The field that holds it, or the array it is in.
    pub field: &'a str,
    pub fields: &'a Map<String, Value>,
    pub value: &'a Value,
}

/// Every field and object of a release, in document order.
#[derive(Debug, Default)]
pub(crate) struct Walk<'a> {
    pub fields: Vec<Field<'a>>,
    pub objects: Vec<Object<'a>>,
}

impl<'a> Walk<'a> {
    /// Walks a release along the patched schema. Nothing below an unknown field is visited.
    ///
    /// `paths` is where the pointers are kept: one text for all of them, since to allocate each by itself took longer
    /// than to check what it points to.
    pub(crate) fn over(release: &'a Value, paths: &'a mut String) -> Walk<'a> {
        let mut walker = Walker {
            walk: Walk::default(),
            paths,
            path: String::new(),
            fields: Vec::new(),
            objects: Vec::new(),
        };
        walker.object(release, "", &PLACES[0]);
        let Walker { mut walk, paths, fields, objects, .. } = walker;
        let paths: &'a str = paths;
        for (field, range) in walk.fields.iter_mut().zip(fields) {
            field.pointer = paths.get(range).unwrap_or_default();
        }
        for (object, range) in walk.objects.iter_mut().zip(objects) {
            object.pointer = paths.get(range).unwrap_or_default();
        }
        walk
    }
}

/// The objects of a definition, each with the field that holds it: for a question that needs nothing else, at a tenth of
/// the cost of a [`Walk`].
pub(crate) fn objects_of<'a>(release: &'a Value, definition: &str) -> Vec<(&'a str, &'a Map<String, Value>)> {
    let mut found = Vec::new();
    collect(release, "", &PLACES[0], definition, &mut found);
    found
}

fn collect<'a>(
    value: &'a Value,
    field: &'a str,
    place: &'static Place,
    definition: &str,
    found: &mut Vec<(&'a str, &'a Map<String, Value>)>,
) {
    let Some(fields) = value.as_object() else { return };
    if place.name == definition {
        found.push((field, fields));
    }
    for (name, value) in fields {
        if !matches!(value, Value::Object(_) | Value::Array(_)) {
            continue;
        }
        let Some(below) = place.property(name).and_then(|property| property.place) else { continue };
        match value {
            Value::Array(items) => {
                items.iter().for_each(|item| collect(item, name, &PLACES[below], definition, found));
            }
            other => collect(other, name, &PLACES[below], definition, found),
        }
    }
}

struct Walker<'a> {
    walk: Walk<'a>,
    paths: &'a mut String,
    /// The pointer to where it is.
    path: String,
    /// Where the pointers of the fields and objects are in `paths`.
    fields: Vec<Range<usize>>,
    objects: Vec<Range<usize>>,
}

impl<'a> Walker<'a> {
    fn object(&mut self, value: &'a Value, field: &'a str, place: &'static Place) {
        let Some(fields) = value.as_object() else { return };
        let definition = place.name.as_str();
        let range = self.keep();
        self.objects.push(range);
        self.walk.objects.push(Object { pointer: "", definition, field, fields, value });
        for (name, value) in fields {
            let length = self.path.len();
            self.path.push('/');
            push_escaped(&mut self.path, name);
            let property = place.property(name);
            let range = self.keep();
            self.fields.push(range);
            self.walk.fields.push(Field { pointer: "", name, value, property, within: definition });
            match property.and_then(|property| property.place).map(|place| &PLACES[place]) {
                None => {}
                Some(place) => match value {
                    Value::Array(items) => {
                        for (index, item) in items.iter().enumerate() {
                            let length = self.path.len();
                            self.path.push('/');
                            push_number(&mut self.path, index);
                            self.object(item, name, place);
                            self.path.truncate(length);
                        }
                    }
                    other => self.object(other, name, place),
                },
            }
            self.path.truncate(length);
        }
    }

    fn keep(&mut self) -> Range<usize> {
        let start = self.paths.len();
        self.paths.push_str(&self.path);
        start..self.paths.len()
    }
}

fn push_number(path: &mut String, number: usize) {
    if number >= 10 {
        push_number(path, number / 10);
    }
    path.push(char::from(b'0' + (number % 10) as u8));
}

impl Place {
    fn property(&'static self, name: &str) -> Option<&'static Property> {
        static FREE: LazyLock<Property> = LazyLock::new(Property::default);
        if let Some(property) = self.properties.get(name) {
            return Some(property);
        }
        let translated = self
            .translated
            .iter()
            .filter_map(|field| name.strip_prefix(field.as_str())?.strip_prefix('_'))
            .any(is_language);
        (self.open || translated).then(|| &*FREE)
    }
}

/// The fields of an object that may be repeated in other languages, and whether any field at all may be in it.
pub(crate) fn patterns(schema: &Value) -> (Vec<String>, bool) {
    let (mut translated, mut open) = (Vec::new(), false);
    for pattern in schema["patternProperties"].as_object().into_iter().flat_map(Map::keys) {
        // The patterns of the standard are `^(field_(language))$`; only `dimensions` has another.
        match pattern.strip_prefix("^(").and_then(|rest| rest.split_once("_(")) {
            Some((field, _)) => translated.push(field.to_owned()),
            None => open = true,
        }
    }
    (translated, open)
}

/// The form of a language tag (BCP 47): `en`, `es-MX`, `x-local`.
pub(crate) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let word = |part: &str, least: usize| {
        (least..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (first == "x" || (word(first, 2) && first.bytes().all(|byte| byte.is_ascii_alphabetic())))
        && parts.all(|part| word(part, 1))
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut builder = Builder { schema: super::release(), places: Vec::new(), known: HashMap::new() };
    builder.place(super::release(), "Release");
    builder.places
});

struct Builder {
    schema: &'static Value,
    places: Vec<Place>,
    known: HashMap<*const Value, usize>,
}

impl Builder {
    fn place(&mut self, schema: &'static Value, name: &str) -> usize {
        if let Some(&place) = self.known.get(&std::ptr::from_ref(schema)) {
            return place;
        }
        let at = self.places.len();
        self.known.insert(std::ptr::from_ref(schema), at);
        self.places.push(Place { name: name.to_owned(), ..Place::default() });
        let mut properties = HashMap::default();
        for (field, declared) in schema["properties"].as_object().into_iter().flatten() {
            properties.insert(field.clone(), self.property(declared, name, field));
        }
        (self.places[at].translated, self.places[at].open) = patterns(schema);
        self.places[at].properties = properties;
        at
    }

    fn property(&mut self, declared: &'static Value, owner: &str, field: &str) -> Property {
        let (schema, name) = self.resolve(declared);
        let (items, item_name) = match schema.get("items") {
            Some(items) => self.resolve(items),
            None => (schema, name),
        };
        let place =
            (items.get("properties").is_some() || items.get("patternProperties").is_some()).then(|| {
                let name = item_name.map_or_else(|| format!("{owner}.{field}"), str::to_owned);
                self.place(items, &name)
            });
        let codelist = schema["codelist"].as_str().map(|list| {
            let list = list.strip_suffix(".csv").unwrap_or(list);
            (list.to_owned(), schema["openCodelist"].as_bool().unwrap_or(true))
        });
        Property {
            codelist,
            is_date: schema["format"] == "date-time",
            deprecated: declared.get("deprecated").is_some(),
            whole_list: schema["wholeListMerge"] == true,
            place,
        }
    }

    fn resolve(&self, schema: &'static Value) -> (&'static Value, Option<&'static str>) {
        let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        match reference.and_then(|pointer| Some((self.schema.pointer(pointer)?, pointer.rsplit('/').next())))
        {
            Some(resolved) => resolved,
            None => (schema, None),
        }
    }
}
