// Verifies a receipt in the reader's own browser: RFC 8785 bytes of everything but the signature, Ed25519.
"use strict";
(() => {
  const place = document.getElementById("resultado");
  const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const key = document.getElementById("llave").textContent.trim();

  // Texts, whole numbers and lists of texts are all there is in a receipt: ordering the names is all that is left to do.
  function canonical(receipt) {
    const { signature, ...body } = receipt;
    const ordered = Object.fromEntries(Object.keys(body).sort().map((name) => [name, body[name]]));
    return new TextEncoder().encode(JSON.stringify(ordered));
  }

  async function valid(receipt) {
    const imported = await crypto.subtle.importKey("raw", bytesOf(key), { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, imported, bytesOf(String(receipt.signature)), canonical(receipt));
  }

  function line(list, name, value) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    row.append(term, text);
    list.append(row);
  }

  function say(kind, sentence) {
    place.hidden = false;
    place.replaceChildren();
    place.dataset.verdict = kind;
    const title = document.createElement("h2");
    title.textContent = sentence;
    place.append(title);
  }

  async function check(receipt) {
    if (!globalThis.crypto?.subtle) {
      say("unable", "Este navegador sólo revisa firmas en direcciones que empiezan con https. Usa avance-device receipts --verify.");
      return;
    }
    let good;
    try {
      good = await valid(receipt);
    } catch {
      say("unable", "Este navegador no sabe revisar firmas Ed25519. Actualízalo, o usa avance-device receipts --verify.");
      return;
    }
    say(good ? "valid" : "invalid", good ? "El acuse es auténtico" : "Este acuse no es de este municipio, o alguien lo cambió");
    if (!good) return;
    const list = document.createElement("dl");
    list.className = "facts";
    line(list, "Folio", receipt.folio);
    line(list, "Estado", receipt.verdict === "received" ? "Recibido" : "Rechazado");
    line(list, "Registrado el", new Date(receipt.recordedAt).toLocaleString("es-MX"));
    line(list, "Número en la bitácora", `${receipt.seq} (${receipt.stream})`);
    line(list, "Huella del seguimiento", receipt.bodyHash);
    receipt.evidence.forEach((hash, at) => line(list, `Huella del archivo ${at + 1}`, hash));
    place.append(list);
  }

  async function fromCode() {
    const packed = location.hash.slice(1);
    if (packed === "") return;
    try {
      const raw = atob(packed.replace(/-/g, "+").replace(/_/g, "/"));
      const squeezed = Uint8Array.from(raw, (ch) => ch.charCodeAt(0));
      const stream = new Blob([squeezed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      await check(JSON.parse(await new Response(stream).text()));
    } catch {
      say("invalid", "El código no se pudo leer completo. Vuelve a escanearlo, o elige el archivo del acuse.");
    }
  }

  document.getElementById("archivo").hidden = false;
  document.getElementById("acuse").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      await check(JSON.parse(await file.text()));
    } catch {
      say("invalid", "Ese archivo no es un acuse.");
    }
  });
  window.addEventListener("hashchange", fromCode);
  fromCode();
})();
