//! The input: a seeded publication of participatory-budget works, month by month, as this project publishes them.
//!
//! Everything in it is made up: «Municipio de Ejemplo», the prefix `ocds-abc123`, domains under example.org. The
//! same seed always gives the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use ocds::schema;
use serde_json::{Value, json};

/// Raised when what is made of a seed changes, so that files of an earlier generator are not used.
const GENERATOR: u32 = 1;
const SEED: u64 = 0x0CD5_1105;

const PUBLISHER: (&str, &str) = ("MX-EJ", "Municipio de Ejemplo");
const UNIT: (&str, &str) = ("MX-EJ-OP", "Dirección de Obras Públicas de Ejemplo");
const GUARANTOR: (&str, &str) = ("MX-EJ-AFI-01", "Afianzadora de Ejemplo");

const WORKS: &[(&str, &str, &str)] = &[
    (
        "Rehabilitación de banquetas",
        "Banqueta de concreto de 10 cm de espesor, con rampas de accesibilidad",
        "m²",
    ),
    ("Alumbrado público", "Luminaria LED de 60 W con poste metálico de 7 m y cableado subterráneo", "pieza"),
    (
        "Techumbre de la cancha",
        "Techumbre de lámina con estructura metálica para cancha de usos múltiples",
        "m²",
    ),
    ("Drenaje sanitario", "Tubería de PVC de 12 pulgadas con pozos de visita y descargas domiciliarias", "m"),
    ("Parque de bolsillo", "Áreas verdes, juegos infantiles, bancas y andadores de adoquín", "m²"),
    (
        "Pavimentación con concreto hidráulico",
        "Losa de concreto hidráulico de 15 cm con guarniciones y señalización",
        "m²",
    ),
    ("Muro de contención", "Muro de mampostería con drenes y relleno compactado", "m³"),
    ("Biblioteca comunitaria", "Ampliación del salón de lectura, instalación eléctrica y mobiliario", "m²"),
];
const NEIGHBOURHOODS: &[&str] = &[
    "Las Flores",
    "El Mirador",
    "Loma Alta",
    "Los Encinos",
    "Santa Cecilia",
    "La Cañada",
    "El Ángel",
    "Niños Héroes",
    "San José",
    "Peñón Blanco",
    "Ampliación Norte",
    "Nueva Esperanza",
];
const COMPANIES: &[&str] = &[
    "Constructora del Bosque",
    "Edificaciones Ñandú",
    "Obras y Proyectos del Río",
    "Ingeniería Cerro Azul",
    "Urbanizadora Tres Ríos",
    "Grupo Constructor Encino",
    "Pavimentos Águila",
    "Caminos de Ejemplo",
];
const NOTES: &[&str] = &[
    "Se verificó en la visita que los trabajos avanzan conforme al programa; el comité vecinal estuvo presente.",
    "La lluvia de la semana retrasó el colado; la residencia de obra reprogramó los trabajos sin costo adicional.",
    "Se concluyó el tramo frente a la escuela y se retiró el escombro; falta la señalización.",
    "El contratista entregó las pruebas de laboratorio del concreto; cumplen con la resistencia especificada.",
];

/// A made publication on disk, in the forms that the measurements read.
pub struct Input {
    pub releases: usize,
    pub processes: usize,
    /// One release a line, by date.
    pub lines: PathBuf,
    /// The same, the releases of each process one after another.
    pub grouped: PathBuf,
    /// The same as [`Input::lines`], as one release package.
    pub package: PathBuf,
}

impl Input {
    /// Makes the files of a publication with an even number of processes, five releases each on average, unless they
    /// are there already.
    pub fn make(folder: &Path, processes: usize) -> Result<Input> {
        let name = |form: &str| folder.join(format!("entrada-{GENERATOR}-{SEED:x}-{processes}{form}"));
        let input = Input {
            releases: processes * 5,
            processes,
            lines: name(".jsonl"),
            grouped: name("-agrupada.jsonl"),
            package: name("-paquete.json"),
        };
        if [&input.lines, &input.grouped, &input.package].into_iter().all(|path| path.exists()) {
            return Ok(input);
        }
        let mut releases = Vec::with_capacity(input.releases);
        let mut random = Random(SEED);
        for pair in 0..processes / 2 {
            // A process has from one to nine releases; two have ten, so that the sum is known.
            let first = 1 + random.below(9);
            for (own, count) in [(0, first), (1, 10 - first)] {
                Process::new(pair * 2 + own, &mut random).releases(count, &mut releases);
            }
        }
        write(&input.grouped, |out| lines(out, &releases))?;
        // As it was published: month by month, every process in turn. Dates have one form, so text is enough.
        releases.sort_by(|(a, _), (b, _)| a.cmp(b));
        write(&input.lines, |out| lines(out, &releases))?;
        write(&input.package, |out| package(out, &releases))?;
        Ok(input)
    }
}

/// Writes under another name first: what has the name is whole.
fn write(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let begun = path.with_extension("nuevo");
    let mut out = BufWriter::new(File::create(&begun).with_context(|| begun.display().to_string())?);
    content(&mut out)?;
    out.flush()?;
    fs::rename(&begun, path).with_context(|| path.display().to_string())
}

type Dated = (String, String);

fn lines(out: &mut BufWriter<File>, releases: &[Dated]) -> Result<()> {
    releases.iter().try_for_each(|(_, release)| Ok(writeln!(out, "{release}")?))
}

fn package(out: &mut BufWriter<File>, releases: &[Dated]) -> Result<()> {
    let last = releases.last().map(|(date, _)| date.as_str()).unwrap_or_default();
    let wrapper = json!({
        "uri": "https://pp.example.org/ocds/releases.json",
        "version": "1.1",
        "extensions": schema::extensions(),
        "publishedDate": last,
        "publisher": {"name": PUBLISHER.1, "scheme": "MX-EJ", "uid": "EJ-001", "uri": "https://pp.example.org"},
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "publicationPolicy": "https://pp.example.org/politica-de-publicacion/",
    });
    let wrapper = wrapper.to_string();
    write!(out, "{},\"releases\":[", wrapper.strip_suffix('}').unwrap_or(&wrapper))?;
    for (index, (_, release)) in releases.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(release.as_bytes())?;
    }
    Ok(out.write_all(b"]}\n")?)
}

/// SplitMix64: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end - 1`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A process as it stands between two of its releases.
struct Process<'r> {
    random: &'r mut Random,
    ocid: String,
    folio: String,
    title: String,
    work: &'static (&'static str, &'static str, &'static str),
    neighbourhood: &'static str,
    contract: String,
    supplier: (String, &'static str),
    /// Moment of the release being written.
    now: DateTime<Utc>,
    /// In cents, as what follows.
    budget: i64,
    value: i64,
    paid: i64,
    /// In percent.
    physical: i64,
    transactions: usize,
    amended: bool,
}

impl<'r> Process<'r> {
    fn new(number: usize, random: &'r mut Random) -> Process<'r> {
        let work = random.one_of(WORKS);
        let neighbourhood = random.one_of(NEIGHBOURHOODS);
        let company = random.below(COMPANIES.len());
        // From January of 2023, a hundred-odd processes begin each week.
        let begun = 1_672_588_800 + (number as i64 % 720) * 86_400 + random.below(36_000) as i64;
        let budget = (40_000_000 + random.below(260_000_000) as i64) / 100 * 100;
        Process {
            ocid: format!("ocds-abc123-pp-{number:05}"),
            folio: format!("PP-{number:05}"),
            title: format!("{}, colonia {neighbourhood}", work.0),
            work,
            neighbourhood,
            contract: format!("OP-{number:05}"),
            supplier: (format!("MX-EJ-PROV-{company:02}"), COMPANIES[company]),
            now: DateTime::from_timestamp_millis(begun * 1000 + random.below(1000) as i64)
                .unwrap_or_default(),
            budget,
            value: budget * 94 / 100,
            paid: 0,
            physical: 0,
            transactions: 0,
            amended: false,
            random,
        }
    }

    /// The first `count` releases of the life of the process, each with its date.
    fn releases(mut self, count: usize, out: &mut Vec<Dated>) {
        for step in 0..count {
            let (tags, own) = match step {
                0 => self.planning(),
                1 => self.tender(),
                2 => self.award(),
                8 => self.end(),
                _ => self.progress(step),
            };
            let date = self.date();
            // Some digit is a letter, as nearly always in a hash: after two numbers, twelve figures can be an account.
            let hash = self.random.next() >> 16 | 0xA000_0000_0000;
            let mut release = json!({"ocid": self.ocid, "id": format!("{}-{}-{hash:x}", self.ocid, step + 1), "date": date,
                "tag": tags, "initiationType": "tender", "language": "es", "buyer": reference(PUBLISHER)});
            if let (Value::Object(release), Value::Object(own)) = (&mut release, own) {
                release.extend(own);
            }
            out.push((date, release.to_string()));
            let days = 18 + self.random.below(25) as i64;
            self.now += Duration::days(days) + Duration::milliseconds(self.random.below(3_600_000) as i64);
        }
    }

    fn planning(&mut self) -> (Vec<&'static str>, Value) {
        let year = self.now.format("%Y").to_string();
        let half = self.budget / 2;
        let planning = json!({
            "rationale": format!(
                "La colonia {} votó esta propuesta en la consulta de presupuesto participativo {year}. {}",
                self.neighbourhood, "Beneficia a quienes viven, estudian y trabajan en la zona, y atiende una petición de años."
            ),
            "project": {
                "id": self.folio, "title": self.title, "uri": format!("https://pp.example.org/proyectos/{}/", self.folio),
                "description": format!("{}. Proyecto ganador de la colonia {}.", self.work.1, self.neighbourhood),
                "totalValue": money(self.budget)
            },
            "requestingUnits": [reference(UNIT)], "responsibleUnits": [reference(UNIT)], "contractingUnits": [reference(UNIT)],
            "budget": {
                "id": format!("PP-{year}"), "description": format!("Presupuesto participativo {year}"), "amount": money(self.budget),
                "budgetBreakdown": [
                    {"id": format!("{year}-A"), "description": "Aportación municipal", "amount": money(half), "sourceParty": reference(PUBLISHER)},
                    {"id": format!("{year}-B"), "description": "Fondo de infraestructura social", "amount": money(self.budget - half), "sourceParty": reference(PUBLISHER)}
                ]
            },
            "documents": [self.document("ficha", "needsAssessment", "Ficha técnica del proyecto ganador")],
            "milestones": [self.milestone("proyecto", "Proyecto ejecutivo terminado", "preProcurement", 30, false)]
        });
        let parties = json!([publisher(), {"id": UNIT.0, "name": UNIT.1, "roles": ["requestingUnit", "responsibleUnit", "contractingUnit"],
            "contactPoint": {"name": "Ventanilla de presupuesto participativo", "email": "obras@example.org", "url": "https://pp.example.org/contacto/"}}]);
        (
            vec!["planning"],
            json!({"title": self.title, "description": self.work.1, "parties": parties, "planning": planning}),
        )
    }

    fn tender(&mut self) -> (Vec<&'static str>, Value) {
        let tender = json!({
            "id": format!("LP-{}", &self.folio[3..]), "title": format!("Licitación pública: {}", self.title),
            "description": format!("Trabajos de {} en la colonia {}, según el catálogo de conceptos.", self.work.0.to_lowercase(), self.neighbourhood),
            "status": "active", "procurementMethod": "open", "mainProcurementCategory": "works",
            "procurementMethodDetails": "Licitación pública nacional", "awardCriteria": "lowestCost",
            "submissionMethod": ["electronicSubmission", "inPerson"], "procuringEntity": reference(PUBLISHER),
            "value": money(self.budget), "items": [self.item()],
            "tenderPeriod": {"startDate": self.day(1), "endDate": self.day(15)},
            "enquiryPeriod": {"startDate": self.day(1), "endDate": self.day(8)},
            "documents": [
                self.document("convocatoria", "tenderNotice", "Convocatoria"),
                self.document("bases", "biddingDocuments", "Bases de la licitación y catálogo de conceptos")
            ],
            "milestones": [
                self.milestone("aclaraciones", "Junta de aclaraciones", "engagement", 6, false),
                self.milestone("apertura", "Apertura de proposiciones", "assessment", 16, false)
            ]
        });
        (vec!["tender"], json!({"parties": [publisher()], "tender": tender}))
    }

    fn award(&mut self) -> (Vec<&'static str>, Value) {
        let own = self.supplier.clone();
        let at = COMPANIES.iter().position(|name| *name == own.1).unwrap_or_default();
        let other = (at + 1 + self.random.below(COMPANIES.len() - 1)) % COMPANIES.len();
        let other = (format!("MX-EJ-PROV-{other:02}"), COMPANIES[other]);
        let winner = json!({"id": own.0, "name": own.1});
        let parties = json!([
            publisher(),
            {"id": own.0, "name": own.1, "roles": ["tenderer", "supplier", "payee"], "address": address(),
             "identifier": {"scheme": "MX-EJ", "id": own.0, "legalName": format!("{}, S. A. de C. V.", own.1)}},
            {"id": other.0, "name": other.1, "roles": ["tenderer"], "address": address()},
            {"id": GUARANTOR.0, "name": GUARANTOR.1, "roles": ["guarantor"]}
        ]);
        let award = json!({"id": "1", "title": "Adjudicación", "description": "Propuesta solvente más baja", "status": "active",
            "date": self.date(), "value": money(self.value), "suppliers": [winner], "items": [self.item()],
            "documents": [self.document("fallo", "awardNotice", "Acta de fallo")]});
        let contract = json!({
            "id": self.contract, "awardID": "1", "title": format!("Contrato de obra {}", self.contract), "status": "active",
            "dateSigned": self.date(), "period": {"startDate": self.day(5), "endDate": self.day(180)}, "value": money(self.value),
            "surveillanceMechanisms": ["citizenComptroller", "internalControlUnit"], "items": [self.item()],
            "guarantees": [{"id": "cumplimiento", "type": "bail", "obligations": "fulfillment", "value": money(self.value / 10),
                            "guarantor": reference(GUARANTOR), "period": {"startDate": self.day(5), "endDate": self.day(545)}}],
            "documents": [self.document("contrato", "contractSigned", "Contrato firmado")]
        });
        let release = json!({"parties": parties, "tender": {"id": format!("LP-{}", &self.folio[3..]), "status": "complete",
            "numberOfTenderers": 2, "tenderers": [{"id": own.0, "name": own.1}, {"id": other.0, "name": other.1}]},
            "awards": [award], "contracts": [contract]});
        (vec!["tenderUpdate", "award", "contract"], release)
    }

    /// A visit: measures of progress, what was paid since, photographs.
    fn progress(&mut self, step: usize) -> (Vec<&'static str>, Value) {
        let mut contract = json!({"id": self.contract, "awardID": "1"});
        let mut tags = vec![if step == 3 { "implementation" } else { "implementationUpdate" }];
        if step > 3 && !self.amended && self.random.below(8) == 0 {
            self.amended = true;
            self.value += self.value / 20;
            tags.insert(0, "contractAmendment");
            contract["value"] = money(self.value);
            contract["amendments"] = json!([{"id": "cm-1", "date": self.date(), "description": "Convenio modificatorio de monto",
                "rationale": "Volúmenes adicionales de obra que pidió la residencia después del levantamiento en sitio"}]);
        }
        self.physical = (self.physical + 8 + self.random.below(14) as i64).min(95);
        let paid = self.value * self.random.below(12) as i64 / 100;
        let paid = paid.min(self.value - self.paid);
        contract["implementation"] = self.implementation(step, paid, "ongoing");
        (tags, json!({"parties": self.paid_parties(), "contracts": [contract]}))
    }

    fn end(&mut self) -> (Vec<&'static str>, Value) {
        self.physical = 100;
        let mut implementation = self.implementation(8, self.value - self.paid, "concluded");
        implementation["endDate"] = json!(self.date());
        implementation["finalValue"] = money(self.value);
        implementation["finalValueDetails"] = json!("Finiquito conciliado con el contratista");
        let contract = json!({"id": self.contract, "awardID": "1", "status": "terminated", "implementation": implementation});
        (
            vec!["contractTermination", "implementationUpdate"],
            json!({"parties": self.paid_parties(), "contracts": [contract]}),
        )
    }

    fn implementation(&mut self, step: usize, paid: i64, status: &str) -> Value {
        let folio = format!("S{step}");
        let done = status == "concluded";
        let end =
            self.milestone("conclusion", "Conclusión de obra", "delivery", if done { -2 } else { 60 }, done);
        let start = self.milestone("inicio", "Inicio de obra", "delivery", -10, true);
        let mut implementation = json!({
            "status": status,
            "milestones": if step == 3 { vec![start, end] } else { vec![end] },
            "documents": [
                self.document(&format!("foto-{folio}-1"), "illustration", "Fotografía del frente de obra, vista general"),
                self.document(&format!("foto-{folio}-2"), "illustration", "Fotografía del frente de obra, detalle"),
                self.document(&format!("reporte-{folio}"), "physicalProgressReport", "Reporte de avance firmado por la residencia de obra")
            ]
        });
        self.paid += paid;
        if paid > 0 {
            self.transactions += 1;
            implementation["transactions"] = json!([{
                "id": format!("estimacion-{}", self.transactions), "source": "https://pp.example.org/pagos/", "date": self.date(),
                "value": money(paid), "payer": reference(PUBLISHER), "payee": {"id": self.supplier.0, "name": self.supplier.1},
                "paymentMethod": "wireTransfer"
            }]);
        }
        let note = *self.random.one_of(NOTES);
        let mut metrics = Vec::new();
        let financial = (self.paid * 10_000 / self.value) as f64 / 100.0;
        let measures = [
            ("physicalProgress", "Avance físico", json!(self.physical)),
            ("financialProgress", "Avance financiero", json!(financial)),
        ];
        for (id, title, measure) in measures {
            metrics.push(json!({"id": id, "title": title, "observations": [{"id": format!("{id}-{folio}"), "measure": measure,
                "unit": {"name": "%"}, "period": {"endDate": self.date()}, "notes": note}]}));
        }
        implementation["metrics"] = json!(metrics);
        implementation
    }

    fn paid_parties(&self) -> Value {
        json!([publisher(), {"id": self.supplier.0, "name": self.supplier.1, "roles": ["tenderer", "supplier", "payee"]}])
    }

    fn item(&mut self) -> Value {
        json!({"id": "1", "description": self.work.1, "quantity": 40 + self.random.below(900), "unit": {"name": self.work.2},
            "deliveryLocation": {"description": format!("Colonia {}", self.neighbourhood),
                "geometry": {"type": "Point", "coordinates": [self.degrees(-104), self.degrees(24)]}}})
    }

    fn degrees(&mut self, whole: i64) -> f64 {
        whole as f64 + self.random.below(10_000) as f64 / 10_000.0
    }

    fn document(&self, id: &str, kind: &str, title: &str) -> Value {
        let (form, end) =
            if kind == "illustration" { ("image/jpeg", "jpg") } else { ("application/pdf", "pdf") };
        json!({"id": id, "documentType": kind, "title": title, "url": format!("https://pp.example.org/documentos/{}/{id}.{end}", self.folio),
            "datePublished": self.date(), "format": form, "language": "es"})
    }

    fn milestone(&self, id: &str, title: &str, kind: &str, due: i64, met: bool) -> Value {
        let mut milestone = json!({"id": id, "title": title, "type": kind, "status": if met { "met" } else { "scheduled" },
            "dueDate": self.day(due), "dateModified": self.date()});
        if met {
            milestone["dateMet"] = json!(self.day(due.min(0)));
        }
        milestone
    }

    /// The moment of the release.
    fn date(&self) -> String {
        self.now.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// A day counted from it.
    fn day(&self, days: i64) -> String {
        (self.now + Duration::days(days)).format("%Y-%m-%dT18:00:00Z").to_string()
    }
}

fn money(cents: i64) -> Value {
    json!({"amount": cents as f64 / 100.0, "currency": "MXN"})
}

fn reference((id, name): (&str, &str)) -> Value {
    json!({"id": id, "name": name})
}

fn address() -> Value {
    json!({"streetAddress": "Avenida de la Constitución 100", "locality": "Ejemplo", "region": "Estado de Ejemplo", "countryName": "México"})
}

fn publisher() -> Value {
    json!({"id": PUBLISHER.0, "name": PUBLISHER.1, "roles": ["buyer", "procuringEntity", "payer", "sourceParty"], "address": address(),
        "identifier": {"scheme": "MX-EJ", "id": "EJ-001", "legalName": PUBLISHER.1}})
}
