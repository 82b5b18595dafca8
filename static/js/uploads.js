/* Uploading a recording: a file that is too large is told before it is sent, and how much of it has arrived meanwhile. */
(() => {
  "use strict";
  const form = () => document.querySelector("form[data-upload]");
  /* `round` up for what is too much and down for the limit, so that the two never read the same. */
  const words = (bytes, round) => `${(round((bytes / 1048576) * 10) / 10).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;

  const refusal = (input) => {
    const file = input.files[0];
    const most = Number(input.dataset.mostBytes);
    if (!file) return "";
    if (file.size > most) return `The recording has ${words(file.size, Math.ceil)}; at most ${words(most, Math.floor)} can be sent.`;
    return file.size ? "" : "The recording is empty: it has no bytes.";
  };

  /* What the portal said of the file before this one. */
  const forget = (input) => {
    document.getElementById(`${input.id}_error`)?.remove();
    input.closest(".field")?.classList.remove("has-error");
    const isMore = form()?.querySelector(".field-error:not([data-upload-refused])");
    if (!isMore) form()?.querySelector(".alert-error")?.remove();
  };

  const tell = (input) => {
    const why = refusal(input);
    forget(input);
    const place = form()?.querySelector("[data-upload-refused]");
    input.setCustomValidity(why);
    if (!place) return;
    place.textContent = why;
    place.hidden = !why;
  };

  const show = (share) => {
    const bar = form()?.querySelector("[data-upload-progress]");
    if (!bar) return;
    bar.hidden = share === null;
    if (share === null) return;
    bar.querySelector("progress").value = share;
    bar.querySelector("[data-upload-share]").textContent = `${Math.floor(share)} %`;
    if (share >= 100) bar.querySelector("[data-upload-words]").textContent = "The portal has it and is looking at it";
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-upload] input[type=file]")) tell(event.target);
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    if (event.target.matches?.("form[data-upload]") && event.detail.lengthComputable) {
      show((100 * event.detail.loaded) / event.detail.total);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches?.("form[data-upload]") && !event.detail.successful) show(null);
  });
})();
