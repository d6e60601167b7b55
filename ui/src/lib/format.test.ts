import { afterEach, describe, expect, it } from "vitest";
import { bytes, day, daysBetween, duration, moment, money, percent, plain, setLegalOffset, time } from "./format";

afterEach(() => setLegalOffset(null));

describe("days and times", () => {
  it("reads a day without moving it across time zones", () => {
    setLegalOffset(-360);
    expect(day("2026-03-12", "es")).toBe("12 mar 2026");
    expect(day("2026-01-01", "en")).toBe("1 Jan 2026");
  });

  it("shows a moment in legal time, not in that of the equipment", () => {
    setLegalOffset(-360);
    expect(time("2026-11-22T16:42:07Z", true)).toBe("10:42:07");
    expect(day("2026-11-23T03:00:00Z", "es")).toBe("22 nov 2026");
    setLegalOffset(60);
    expect(time("2026-11-22T23:30:00Z")).toBe("00:30");
  });

  it("leaves out the day only when it is today", () => {
    setLegalOffset(-360);
    const now = new Date("2026-11-22T20:00:00Z");
    expect(moment("2026-11-22T16:42:00Z", "es", now)).toBe("10:42");
    expect(moment("2026-11-21T16:42:00Z", "es", now)).toBe("21 nov 2026, 10:42");
    expect(moment("2026-11-23T05:59:00Z", "es", now)).toBe("23:59");
  });

  it("survives what is not a date", () => {
    expect(day("mañana", "es")).toBe("mañana");
    expect(day(null, "es")).toBe("");
    expect(time("nunca")).toBe("");
    expect(moment(undefined, "en")).toBe("");
  });

  it("tells lengths and distances", () => {
    expect(duration(10_800_000)).toBe("3 h");
    expect(duration(-14 * 60_000)).toBe("14 min");
    expect(duration(20_000)).toBe("20 s");
    expect(duration(365 * 86_400_000)).toBe("365 d");
    expect(daysBetween("2026-11-15", "2026-11-22")).toBe(7);
  });
});

describe("numbers", () => {
  it("writes money and percentages as in Mexico", () => {
    expect(money({ amount: 1234567.5, currency: "MXN" }, "es")).toBe("$1,234,567.50 MXN");
    expect(money(null, "es")).toBe("–");
    expect(percent(33.333, "es")).toBe("33.3 %");
    expect(percent(0, "es")).toBe("0 %");
    expect(percent(null, "es")).toBe("–");
  });

  it("writes sizes in the unit people use", () => {
    expect(bytes(0, "es")).toBe("0 B");
    expect(bytes(999, "es")).toBe("999 B");
    expect(bytes(3_100_000, "es")).toBe("3.1 MB");
    expect(bytes(999_960, "es")).toBe("1 MB");
    expect(bytes(81_234_567_890, "es")).toBe("81.2 GB");
  });

  it("searches without accents or case", () => {
    expect(plain("RÍO Mississippi ñ")).toBe("rio mississippi n");
  });
});
