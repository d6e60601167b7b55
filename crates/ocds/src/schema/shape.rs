//! The release schema as something to walk a release with: which field is which, and in what object.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::value::escape;

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
    properties: HashMap<String, Property>,
    /// Fields that may be repeated in other languages: `title_en`.
    translated: Vec<String>,
    /// Any field may be there (`dimensions` of an observation).
    open: bool,
}

/// A field of a release.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub pointer: String,
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
    pub pointer: String,
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
    pub(crate) fn over(release: &'a Value) -> Walk<'a> {
        let mut walk = Walk::default();
        walk.object(release, "", &mut String::new(), &PLACES[0]);
        walk
    }

    fn object(&mut self, value: &'a Value, field: &'a str, pointer: &mut String, place: &'static Place) {
        let Some(fields) = value.as_object() else { return };
        let definition = place.name.as_str();
        self.objects.push(Object { pointer: pointer.clone(), definition, field, fields, value });
        for (name, value) in fields {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&escape(name));
            let property = place.property(name);
            self.fields.push(Field { pointer: pointer.clone(), name, value, property, within: definition });
            match property.and_then(|property| property.place).map(|place| &PLACES[place]) {
                None => {}
                Some(place) => match value {
                    Value::Array(items) => {
                        for (index, item) in items.iter().enumerate() {
                            let length = pointer.len();
                            pointer.push('/');
                            pointer.push_str(&index.to_string());
                            self.object(item, name, pointer, place);
                            pointer.truncate(length);
                        }
                    }
                    other => self.object(other, name, pointer, place),
                },
            }
            pointer.truncate(length);
        }
    }
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
        let mut properties = HashMap::new();
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
