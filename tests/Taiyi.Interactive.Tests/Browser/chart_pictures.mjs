// Puts a PNG beside every drawing that a notebook holds, as image/png of the same output: for viewers that show pictures but no SVG.
//
//     node chart_pictures.mjs NOTEBOOK.ipynb...
//
// It is the drawing that the page shows before plotly.js runs, in 64 colours. Needs Chromium, ImageMagick and a font with Chinese
// characters (Debian: chromium, imagemagick, fonts-noto-cjk).
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 1000, height: 800 } });
await page.route(/^https?:/, request => request.abort());

for (const path of process.argv.slice(2)) {
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    for (const { data } of notebook.cells.flatMap(cell => cell.outputs ?? []).filter(output => output.data)) {
        const html = [data["text/html"] ?? ""].flat().join("").replace(/<script.*?<\/script>/gs, "");
        if (html.includes("<svg")) {
            await page.setContent(`<body style="margin:8px;background:white"><div style="display:inline-block">${html}</div>`);
            const drawing = page.locator(html.includes("<img") ? "svg" : "body > div").first(); // of a training with samples, its curves
            const picture = await drawing.screenshot();
            data["image/png"] = execFileSync("convert", ["png:-", "-colors", "64", "png8:-"], { input: picture }).toString("base64");
        }
    }
    writeFileSync(`${path}.part`, `${JSON.stringify(notebook, null, 1)}\n`);
    renameSync(`${path}.part`, path);
}
await browser.close();
