//! What a package says about itself.

use anyhow::{Result, bail};
use clap::Args;
use ocds::json::Writer;
use ocds::merge::Rules;
use ocds::package::Publication;
use ocds::schema::{self, Version};
use ocds::stream::Package;
use serde_json::{Map, Value, json};

#[derive(Args)]
pub struct Metadata {
    /// Set the package's uri to this value
    #[arg(long, default_value = "", hide_default_value = true)]
    uri: String,
    /// Set the package's publishedDate to this value
    #[arg(long, default_value = "", hide_default_value = true)]
    published_date: String,
    /// Set the package's version to this value
    #[arg(long, default_value = "1.1")]
    version: String,
    /// Set the package's publisher's name to this value (default: that of the last package read)
    #[arg(long)]
    publisher_name: Option<String>,
    /// Set the package's publisher's uri to this value
    #[arg(long)]
    publisher_uri: Option<String>,
    /// Set the package's publisher's scheme to this value
    #[arg(long)]
    publisher_scheme: Option<String>,
    /// Set the package's publisher's uid to this value
    #[arg(long)]
    publisher_uid: Option<String>,
    /// Set the package's required metadata to dummy values
    #[arg(long)]
    fake: bool,
}

impl Metadata {
    /// Writes the fields of a record package made of the releases of packages: who published the last of them, and
    /// on what terms; the addresses and the extensions of all.
    pub fn write(&self, packages: &[Package], writer: &mut Writer) {
        let uris = packages.iter().filter_map(|package| package.value["uri"].as_str());
        let uris: Vec<&str> = uris.filter(|uri| !uri.is_empty()).collect();
        let mut fields = self.fields(packages, &[], json!({}));
        if !uris.is_empty() {
            fields.insert("packages".to_owned(), json!(uris));
        }
        self.finish(fields, writer);
    }

    /// Writes the fields of a package of what was read, with extensions besides those of the packages it came in.
    pub fn write_wrapper(&self, packages: &[Package], more: &[String], writer: &mut Writer) {
        let fields = self.fields(packages, more, json!({"name": ""}));
        self.finish(fields, writer);
    }

    fn fields(&self, packages: &[Package], more: &[String], mut publisher: Value) -> Map<String, Value> {
        let mut fields = self.own_fields();
        for package in packages {
            for name in ["license", "publicationPolicy"] {
                if let Some(value) = package.value.get(name).filter(|value| !value.is_null()) {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
            if let Some(value) = package.value.get("publisher") {
                publisher = value.clone();
            }
        }
        fields.retain(|name, value| !value.is_null() || name == "publisher");
        fields.insert("publisher".to_owned(), self.publisher().unwrap_or(publisher));
        let mut extensions = extensions(packages);
        for url in more {
            if !extensions.contains(&url.as_str()) {
                extensions.push(url);
            }
        }
        if !extensions.is_empty() {
            fields.insert("extensions".to_owned(), json!(extensions));
        }
        fields
    }

    /// Who publishes, for a package of another standard: what was asked for, or else what the last package says.
    pub fn publication(&self, packages: &[Package]) -> (Publication, String, Option<String>) {
        let fields = self.fields(packages, &[], json!({}));
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let publisher = &fields["publisher"];
        let publication = Publication {
            publisher_name: text(&publisher["name"]).unwrap_or_default(),
            publisher_scheme: text(&publisher["scheme"]),
            publisher_uid: text(&publisher["uid"]),
            publisher_uri: text(&publisher["uri"]),
            license: fields.get("license").and_then(text),
            publication_policy: fields.get("publicationPolicy").and_then(text),
        };
        tell_missing(&fields);
        let published = fields.get("publishedDate").and_then(text);
        (publication, fields.get("uri").and_then(text).unwrap_or_default(), published)
    }

    fn own_fields(&self) -> Map<String, Value> {
        let or_fake = |given: &str, fake: &str| {
            if given.is_empty() && self.fake { fake.to_owned() } else { given.to_owned() }
        };
        let mut fields = Map::new();
        fields.insert("uri".to_owned(), json!(or_fake(&self.uri, "placeholder:")));
        // What is `null` here keeps its place, so that the order is that of OCDS Kit.
        fields.insert("publisher".to_owned(), Value::Null);
        let date = or_fake(&self.published_date, "9999-01-01T00:00:00Z");
        fields.insert("publishedDate".to_owned(), json!(date));
        fields.insert("license".to_owned(), Value::Null);
        fields.insert("publicationPolicy".to_owned(), Value::Null);
        fields.insert("version".to_owned(), json!(self.version));
        fields
    }

    fn publisher(&self) -> Option<Value> {
        let given = [
            ("name", &self.publisher_name),
            ("uri", &self.publisher_uri),
            ("scheme", &self.publisher_scheme),
            ("uid", &self.publisher_uid),
        ];
        let given: Map<String, Value> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref().filter(|value| !value.is_empty())?)))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        (!given.is_empty()).then_some(Value::Object(given))
    }

    fn finish(&self, fields: Map<String, Value>, writer: &mut Writer) {
        tell_missing(&fields);
        for (name, value) in &fields {
            writer.name(name);
            writer.value(value);
        }
    }
}

/// Says what a package lacks to be valid.
fn tell_missing(fields: &Map<String, Value>) {
    let wanted = [
        ("--uri", fields["uri"].as_str()),
        ("--published-date", fields["publishedDate"].as_str()),
        ("--publisher-name", fields["publisher"]["name"].as_str()),
    ];
    for (option, value) in wanted {
        if value.is_none_or(str::is_empty) {
            eprintln!("ocds: nothing read says what {option} is; the package is not valid without it");
        }
    }
}

/// The extensions that packages declare, each once, in the order in which they appear.
fn extensions(packages: &[Package]) -> Vec<&str> {
    let mut extensions = Vec::new();
    for package in packages {
        for url in package.value["extensions"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !extensions.contains(&url) {
                extensions.push(url);
            }
        }
    }
    extensions
}

/// The merge rules for what was read: those of the version that the packages follow, with the extensions that they
/// declare. Releases that come without a package are of the profile: nothing says which extensions they use.
pub enum Chosen {
    Known(&'static Rules),
    Declared(Rules),
}

impl Chosen {
    pub fn rules(&self) -> &Rules {
        match self {
            Chosen::Known(rules) => rules,
            Chosen::Declared(rules) => rules,
        }
    }

    /// Chooses for the packages that were read.
    pub fn by(packages: &[Package]) -> Result<Chosen> {
        let mut versions: Vec<Version> = Vec::new();
        for package in packages {
            let version = schema::version(&package.value);
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        match versions.as_slice() {
            [] => Ok(Chosen::Known(Rules::profile())),
            [Version::V1_0] => Ok(Chosen::Known(Rules::for_1_0())),
            [Version::V1_1] => {
                let (rules, unknown) = Rules::for_extensions(&extensions(packages));
                for url in unknown {
                    eprintln!(
                        "ocds: the merge rules of the extension {url} are not known here; its fields are merged by the \
                         general rules (give a patched schema with --schema)"
                    );
                }
                Ok(Chosen::Declared(rules))
            }
            [Version::Unknown(version)] => {
                bail!("packages of version {version} cannot be merged without --schema")
            }
            [first, second, ..] => bail!(
                "some packages are of OCDS {first} and others of {second}, which merge differently: upgrade them to one \
                 version, or give --schema"
            ),
        }
    }
}
