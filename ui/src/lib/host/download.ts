/** Gives the browser a file to keep; its bytes in base64. */
export function download(name: string, bytes: string): void {
  const data = Uint8Array.from(atob(bytes), (ch) => ch.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([data]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
