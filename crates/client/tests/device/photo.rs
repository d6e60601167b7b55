//! Photographs as they are attached, what they offer, and when there is no room or no connection for them; the place
//! of a project.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use client::{Client, Outside};
use domain::problem::Code;
use domain::receipt::sha256_hex;
use exif::{Field, In, Rational, Tag, Value as Exif};
use image::{DynamicImage, ImageEncoder as _, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::{FOLIO, PASSPHRASE, TestClock, call, enrolled, photo, progress};

/// A photograph of a camera: taken on 12 March 2026 at 25.65, -100.40, with an owner that concerns nobody.
fn camera(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let angle = |degrees: u32, minutes: u32| {
        Exif::Rational(
            [(degrees, 1), (minutes, 1), (0, 1)].map(|(num, denom)| Rational { num, denom }).to_vec(),
        )
    };
    let text = |words: &str| Exif::Ascii(vec![words.as_bytes().to_vec()]);
    let fields = [
        (Tag::DateTimeOriginal, text("2026:03:12 10:22:05")),
        (Tag::GPSLatitudeRef, text("N")),
        (Tag::GPSLatitude, angle(25, 39)),
        (Tag::GPSLongitudeRef, text("W")),
        (Tag::GPSLongitude, angle(100, 24)),
        (Tag::Artist, text("canario")),
    ]
    .map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value });
    let mut writer = exif::experimental::Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut metadata = Cursor::new(Vec::new());
    writer.write(&mut metadata, false).unwrap();
    // Grain, as of a sensor: without it a large picture is a small file.
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let grain =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24;
        Rgb([shade, grain as u8, (x ^ y) as u8])
    });
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.set_exif_metadata(metadata.into_inner()).unwrap();
    encoder
        .write_image(&picture, width, height, DynamicImage::ImageRgb8(picture.clone()).color().into())
        .unwrap();
    bytes
}

async fn draft(client: &Client) -> Value {
    call(client, "draft_new", json!({"folio": FOLIO, "stage": "implementation"})).await
}

fn attach(draft: &Value, name: &str, bytes: &[u8]) -> Value {
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({"id": draft["id"], "name": name, "base64": base64})
}

#[tokio::test]
async fn e6_a_large_photograph_is_brought_to_size_and_both_hashes_are_known() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    let large = camera(2600, 1300, 3);
    let with = call(&client, "evidence_add_bytes", attach(&new, "obra.jpg", &large)).await;
    let file = &with["files"][0];
    assert_eq!(file["original"], json!({"sha256": sha256_hex(&large), "size": large.len()}));
    assert!(file["size"].as_u64().unwrap() < large.len() as u64);
    assert_ne!(file["sha256"], file["original"]["sha256"]);
    assert_eq!(file["documentType"], "illustration");

    // One within the size stays as it is, byte for byte.
    let small = photo(4);
    let with = call(&client, "evidence_add_bytes", attach(&new, "chica.jpg", &small)).await;
    assert_eq!(with["files"][1]["sha256"], sha256_hex(&small));
    assert_eq!((&with["files"][1]["original"], &with["files"][1]["offer"]), (&Value::Null, &Value::Null));

    // What is sent is 2048 pixels, names the other hash, and carries day and place but no owner.
    let values = json!({"visitedOn": "20/11/2026", "physicalPlanned": "40", "physicalActual": "33",
        "financialPlanned": "30", "financialActual": "20"});
    call(&client, "draft_save", json!({"id": new["id"], "values": values})).await;
    call(&client, "draft_ready", json!({"id": new["id"]})).await;
    client.sync_once().await.unwrap();
    let data = endpoint.data();
    let sent = &data.files[file["sha256"].as_str().unwrap()];
    let picture = image::load_from_memory(sent).unwrap();
    assert_eq!((picture.width(), picture.height()), (2048, 1024));
    assert!(!sent.windows(7).any(|word| word == b"canario"));
    let metadata = exif::Reader::new().read_from_container(&mut Cursor::new(sent)).unwrap();
    assert!(metadata.get_field(Tag::GPSLatitude, In::PRIMARY).is_some());
    let body = &data.log.last().unwrap().body;
    assert_eq!(body["evidence"][0]["reducedFrom"], sha256_hex(&large));
    assert!(body["evidence"][1].get("reducedFrom").is_none());
}

#[tokio::test]
async fn e6_what_a_photograph_says_is_offered_and_taken_only_when_somebody_says_so() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    let with = call(&client, "evidence_add_bytes", attach(&new, "a.jpg", &camera(80, 60, 1))).await;
    let offer = json!({"date": "2026-03-12", "place": "25.65, -100.4"});
    assert_eq!(with["files"][0]["offer"], offer);
    // A second one of the same visit asks nothing more.
    let with = call(&client, "evidence_add_bytes", attach(&new, "b.jpg", &camera(80, 60, 2))).await;
    assert_eq!(with["files"][1]["offer"], Value::Null);

    let answer = |date: bool, place: bool| json!({"id": new["id"], "sha256": with["files"][0]["sha256"], "date": date, "place": place});
    let taken = call(&client, "evidence_answer", answer(false, true)).await;
    assert_eq!(taken["values"], json!({"place": "25.65, -100.4", "placeMethod": "photo"}));
    assert!(taken["files"].as_array().unwrap().iter().all(|file| file["offer"].is_null()), "{taken}");
    drop(client);
    let client = crate::open(dir.path());
    let again = call(&client, "draft_open", json!({"id": new["id"]})).await;
    assert!(
        again["files"].as_array().unwrap().iter().all(|file| file["offer"].is_null()),
        "declined is declined"
    );

    let other = draft(&client).await;
    let with = call(&client, "evidence_add_bytes", attach(&other, "a.jpg", &camera(80, 60, 1))).await;
    let hash = &with["files"][0]["sha256"];
    let both = json!({"id": other["id"], "sha256": hash, "date": true, "place": true});
    let taken = call(&client, "evidence_answer", both).await;
    assert_eq!(taken["values"]["visitedOn"], "2026-03-12");
    let unknown = json!({"id": other["id"], "sha256": "0".repeat(64), "date": true, "place": true});
    assert_eq!(client.call("evidence_answer", unknown).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn e6_more_files_than_a_follow_up_may_have_are_refused_with_the_limit() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let new = draft(&client).await;
    for n in 0..domain::evidence::MAX_FILES {
        call(&client, "evidence_add_bytes", attach(&new, "p.pdf", format!("%PDF-1.7 {n}").as_bytes())).await;
    }
    let refused = client.call("evidence_add_bytes", attach(&new, "p.pdf", b"%PDF-1.7 x")).await.unwrap_err();
    assert_eq!((refused.code, &refused.params["limit"]), (Code::EvidenceTooMany, &json!(50)));
    // One that is there already takes no place of its own.
    call(&client, "evidence_add_bytes", attach(&new, "p.pdf", b"%PDF-1.7 0")).await;
}

const MEGABYTE: u64 = 1024 * 1024;

/// The same folder where so much room is left.
fn with_room(dir: &Path, free: fn(&Path) -> Option<u64>) -> Client {
    let outside = Outside { free_bytes: free, ..Outside::machine(Arc::new(TestClock::default())) };
    let client = Client::open_with(dir, outside).unwrap();
    client.unlock(Some(PASSPHRASE)).unwrap();
    client
}

#[tokio::test]
async fn p8_with_little_disk_text_is_kept_and_photographs_are_refused_with_the_amount() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let client = with_room(dir.path(), |_| Some(49 * MEGABYTE));
    assert_eq!(call(&client, "status", json!({})).await["room"], "text_only");
    let new = draft(&client).await;
    let refused = client.call("evidence_add_bytes", attach(&new, "a.jpg", &photo(1))).await.unwrap_err();
    assert_eq!(refused.code, Code::RoomForTextOnly);
    assert_eq!(refused.params["neededBytes"], MEGABYTE + photo(1).len() as u64);
    let saved =
        call(&client, "draft_save", json!({"id": new["id"], "values": {"physicalActual": "33"}})).await;
    assert_eq!((&saved["values"]["physicalActual"], &saved["files"]), (&json!("33"), &json!([])));
    client.capture_file(FOLIO, progress(10), &[]).unwrap();
    drop(client);
    // Opening checks the database.
    let client = crate::open(dir.path());
    assert_eq!(call(&client, "tray", json!({})).await["counts"], json!({"draft": 1, "ready": 1}));
}

#[tokio::test]
async fn p8_somebody_is_told_before_the_room_is_gone() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    drop(enrolled(dir.path(), &endpoint).await);
    let client = with_room(dir.path(), |_| Some(400 * MEGABYTE));
    assert_eq!(call(&client, "status", json!({})).await["room"], "low");
    let new = draft(&client).await;
    call(&client, "evidence_add_bytes", attach(&new, "a.jpg", &photo(1))).await;
    drop(client);
    let client = with_room(dir.path(), |_| None);
    assert_eq!(call(&client, "status", json!({})).await["room"], "enough");
}

#[tokio::test]
async fn p3_on_a_metered_connection_text_goes_and_files_wait_until_somebody_says_so() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    assert_eq!(call(&client, "set_text_only", json!({"on": true})).await["textOnly"], true);
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap();
    client.sync_once().await.unwrap();
    let status = call(&client, "status", json!({})).await;
    assert_eq!((&status["received"], &status["marked"]), (&json!(1), &json!(1)));
    assert_eq!((&status["filesReceived"], &status["files"]), (&json!(0), &json!(1)));
    assert_eq!(status["bytesWaiting"], photo(3).len());
    assert_eq!(endpoint.data().offers, 0);
    drop(client);
    // It is the equipment that remembers it.
    let client = crate::open(dir.path());
    client.sync_once().await.unwrap();
    assert_eq!(endpoint.data().offers, 0);
    call(&client, "set_text_only", json!({"on": false})).await;
    client.sync_once().await.unwrap();
    let status = call(&client, "status", json!({})).await;
    assert_eq!((&status["filesReceived"], &status["bytesWaiting"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn p2_a_place_is_typed_in_many_ways_stored_with_its_method_and_shown_on_the_map() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let info = call(&client, "map_info", json!({})).await;
    assert_eq!((&info["tiles"], &info["places"]), (&Value::Null, &json!([])), "it works without any file");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/map/muestra.pmtiles");
    std::fs::copy(&sample, dir.path().join("mapa.pmtiles")).unwrap();
    let info = call(&client, "map_info", json!({})).await;
    assert_eq!(info["tiles"]["maxZoom"], 14, "{info}");
    let tile = call(&client, "map_tile", json!({"z": 14, "x": 3622, "y": 6983})).await;
    assert!(tile["base64"].as_str().is_some_and(|text| text.len() > 100), "{tile}");
    assert_eq!(call(&client, "map_tile", json!({"z": 14, "x": 0, "y": 0})).await["base64"], Value::Null);

    let new = draft(&client).await;
    let save =
        async |values: Value| call(&client, "draft_save", json!({"id": new["id"], "values": values})).await;
    let found = |draft: &Value| -> Vec<(String, String, Value)> {
        let list = draft["findings"].as_array().unwrap();
        let of_place = list.iter().filter(|found| found["field"] == "place");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of_place
            .map(|found| &found["finding"])
            .map(|f| (text(&f["rule"]), text(&f["severity"]), f["params"]["proposed"].clone()))
            .collect()
    };
    let swapped = save(json!({"place": "-100.4023, 25.6579"})).await;
    let expected = ("place-swapped".to_owned(), "error".to_owned(), json!("25.6579, -100.4023"));
    assert_eq!(found(&swapped), [expected]);
    let outside = save(json!({"place": "19.43, -99.13"})).await;
    assert_eq!(found(&outside), [("place-outside".to_owned(), "warning".to_owned(), Value::Null)]);
    assert_eq!(found(&save(json!({"place": "por el parque"})).await)[0].0, "place-format");
    let good = save(json!({"place": "25°39'28.44\" N 100°24'08.28\" O", "placeMethod": "typed",
        "visitedOn": "20/11/2026", "physicalPlanned": "40", "physicalActual": "33",
        "financialPlanned": "30", "financialActual": "20"}))
    .await;
    assert_eq!(found(&good), []);
    call(&client, "draft_ready", json!({"id": new["id"]})).await;
    // On the map at once, without a network.
    let at = json!({"latitude": 25.6579, "longitude": -100.4023});
    let rows = call(&client, "projects", json!({"text": ""})).await;
    let row = rows.as_array().unwrap().iter().find(|row| row["folio"] == FOLIO).unwrap();
    assert_eq!(row["position"], at);
    assert_eq!(draft(&client).await["last"]["place"], "25.6579, -100.4023");
    client.sync_once().await.unwrap();
    let data = endpoint.data();
    let body = &data.log.last().unwrap().body;
    let geometry = json!({"type": "Point", "coordinates": [-100.4023, 25.6579]});
    assert_eq!(
        body["content"]["release"]["planning"]["project"]["locations"],
        json!([{"geometry": geometry}]),
        "{body}"
    );
    assert_eq!(body["content"]["internal"]["fields"]["placeMethod"], "typed");
}

#[tokio::test]
async fn p2_a_file_that_is_no_map_is_said_and_hinders_nothing() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    std::fs::write(dir.path().join("mapa.pmtiles"), b"not a map at all").unwrap();
    let info = call(&client, "map_info", json!({})).await;
    assert_eq!(
        (&info["problem"]["code"], &info["tiles"]),
        (&json!("map_unreadable"), &Value::Null),
        "{info}"
    );
    let refused = client.call("map_tile", json!({"z": 0, "x": 0, "y": 0})).await.unwrap_err();
    assert_eq!(refused.code, Code::MapUnreadable);
    draft(&client).await;
}
