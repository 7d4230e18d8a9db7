// An extra: a file may be dropped anywhere. The form does the rest, as it does without this.
const input = document.getElementById("file");
if (input) {
  document.querySelector(".drop").hidden = false;
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      document.body.classList.toggle("dropping", kind === "dragover");
      if (kind === "dragover" || event.dataTransfer.files.length !== 1) return;
      document.getElementById("text").value = "";
      input.files = event.dataTransfer.files;
      document.querySelector("button").focus();
    });
  }
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
}
const result = document.getElementById("result");
if (result) result.focus();
