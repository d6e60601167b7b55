import { beforeEach, describe, expect, it } from "vitest";
import { en } from "./en";
import { es } from "./es";
import { fill, has, languageOf, n, setLang, t } from "./index.svelte";

beforeEach(() => setLang("es"));

const places = (sentence: string) => [...sentence.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("languages", () => {
  it("has the same keys in both", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(es).sort());
  });

  it("has a sentence for each key, with the same values in it", () => {
    for (const [key, sentence] of Object.entries(es)) {
      const other = (en as Record<string, string>)[key] ?? "";
      expect(sentence.trim(), key).not.toBe("");
      expect(other.trim(), key).not.toBe("");
      expect(places(other), key).toEqual(places(sentence));
    }
  });

  it("does not shout and says no code alone", () => {
    for (const [key, sentence] of [...Object.entries(es), ...Object.entries(en)]) {
      expect(sentence, key).not.toMatch(/[!¡]/);
      expect(sentence, key).not.toMatch(/error inesperado|unexpected error|inválid|sincroniz|finalizado/i);
    }
  });

  it("has both forms of each sentence with a number", () => {
    const bases = Object.keys(es).filter((key) => key.endsWith(".other") || key.endsWith(".one"));
    for (const key of bases) {
      const twin = key.endsWith(".one") ? key.replace(/\.one$/, ".other") : key.replace(/\.other$/, ".one");
      expect(has(twin), twin).toBe(true);
    }
  });

  it("is Spanish unless the system says English", () => {
    for (const setting of ["es-MX", "C", "", null, undefined, "fr-FR", "POSIX"]) {
      expect(languageOf(setting), String(setting)).toBe("es");
    }
    expect(languageOf("en-US")).toBe("en");
    expect(languageOf("en")).toBe("en");
  });

  it("changes at once", () => {
    expect(t("state.received")).toBe("Recibido");
    setLang("en");
    expect(t("state.received")).toBe("Received");
  });
});

describe("values in a sentence", () => {
  it("puts them in their places", () => {
    expect(fill("{a} de {b}", { a: 1, b: 2 })).toBe("1 de 2");
    expect(fill("({list})", { list: ["C1", "C2"] })).toBe("(C1, C2)");
  });

  it("never shows a hole", () => {
    expect(fill("{a}")).toBe("–");
    expect(fill("{a}", { a: null })).toBe("–");
    expect(fill("{a}", { a: [] })).toBe("–");
    expect(fill("{a}", { a: 0 })).toBe("0");
  });

  it("counts", () => {
    expect(n("count.files", 1)).toBe("1 archivo");
    expect(n("count.files", 0)).toBe("0 archivos");
    expect(n("count.files", 1200)).toBe("1,200 archivos");
  });
});
