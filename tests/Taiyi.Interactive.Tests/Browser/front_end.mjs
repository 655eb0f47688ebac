// Opens a notebook in Jupyter Notebook with a headless Chromium and does what a reader does: run all cells, watch a training,
// press Stop, go on, complete a word. Prints what was seen as one JSON object.
//
//     node front_end.mjs KERNEL LIBRARY_FOLDER SCREENSHOT_FOLDER MODEL_AND_DATA_FOLDER
//
// With PRESS_STOP=no the training is not stopped: .NET Interactive's kernel over Jupyter cannot be.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [kernel, library, screenshots, data] = process.argv.slice(2);
const pressStop = process.env.PRESS_STOP !== "no";
const patience = Number(process.env.PATIENCE ?? 300_000); // a busy machine is slow, and waiting ends as soon as there is something to see
const folder = mkdtempSync(join(tmpdir(), "taiyi-front-end-"));

const training = steps => `var live = new LiveTraining("LoRA", updatesPerSecond: 20);
live.Show();
var run = TrainingRun.CreateAgain("run", LoraTrainingOptions.Practical with { Steps = ${steps}, BatchSize = 2, WarmupSteps = 1, SampleEvery = 0, CheckpointEvery = 100000 });
LoraTrainer.Train(pipeline, pictures, run, live).LoraPath`;

const cells = [
    `#r "${library}/TorchSharp.dll"
#r "${library}/Taiyi.dll"
#r "${library}/Taiyi.Display.dll"
#r "${library}/Plotly.NET.dll"
using Taiyi;
using Taiyi.Data;
using Taiyi.Display;
using Taiyi.Training;
Environment.CurrentDirectory = "${folder}";
Notebook.Begin()`,
    `var pipeline = StableDiffusionPipeline.FromPretrained("${data}/models/taiyi-mini", dtype: TorchSharp.torch.float32);
System.IO.Directory.CreateDirectory("few");
foreach (var entry in Text2ImageDataset.Open("${data}/emoji", new()).Entries.Take(8))
{
    System.IO.File.Copy(entry.Path, "few/" + System.IO.Path.GetFileName(entry.Path));
    System.IO.File.WriteAllText("few/" + System.IO.Path.GetFileNameWithoutExtension(entry.Path) + ".txt", entry.Caption);
}
var pictures = Text2ImageDataset.Open("few", new() { Size = 128 });
Images.Show(pipeline.Generate("一只狮子", new() { NumInferenceSteps = 4, Seed = 1000 }).Images[0])`,
    `Charts.Lines([("a", new[] { 1.0, 4.0, 9.0 }), ("b", new[] { 3.0, 2.0, 1.0 })], "two lines", "x", "y")`,
    training(12),
    `"the last of all"`,
];

const seen = { dialogs: [] };
const server = await startJupyter();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1100, height: 1900 } });
try {
    page.setDefaultTimeout(patience);
    await openNotebook(page);
    await runAll(page);
    await lookAtOutputs(page);
    if (pressStop) {
        await stopATraining(page);
    }
    await complete(page);
    console.log(JSON.stringify(seen));
} catch (error) {
    await page.screenshot({ path: join(screenshots, `${kernel}-failed.png`), fullPage: true });
    console.error("The page shows:", await page.locator(".output_area").allInnerTexts());
    console.error("Jupyter's log:", server.log());
    throw error;
} finally {
    await browser.close();
    server.kill("SIGTERM");
    await new Promise(ended => server.once("exit", ended));
    rmSync(folder, { recursive: true, force: true });
}

function freePort() {
    return new Promise(found => {
        const probe = createServer().listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => found(port));
        });
    });
}

async function startJupyter() {
    writeFileSync(join(folder, "page.ipynb"), JSON.stringify({
        cells: cells.map((source, i) => ({ cell_type: "code", id: `cell-${i}`, execution_count: null, metadata: {}, outputs: [], source })),
        metadata: { kernelspec: { display_name: kernel, language: "C#", name: kernel }, language_info: { name: "C#" } },
        nbformat: 4,
        nbformat_minor: 5,
    }));
    const port = await freePort();
    seen.address = `http://127.0.0.1:${port}/notebooks/page.ipynb`;
    const jupyter = spawn("/usr/bin/python3", [
        "-m", "notebook", "--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`, "--port-retries=0",
        "--NotebookApp.token=", "--NotebookApp.password=", `--notebook-dir=${folder}`,
    ], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    jupyter.log = () => log;
    await new Promise((ready, failed) => {
        jupyter.stderr.on("data", text => {
            log += text;
            if (log.includes("is running at")) ready();
        });
        jupyter.once("exit", code => failed(new Error(`Jupyter Notebook ended with ${code}:\n${log}`)));
    });
    return jupyter;
}

async function openNotebook(page) {
    // Other addresses than the server's own would be a network that a reader may not have.
    seen.foreignRequests = [];
    page.on("request", request => {
        if (!request.url().startsWith("http://127.0.0.1:") && /^(https?|wss?):/.test(request.url())) seen.foreignRequests.push(request.url());
    });
    // A dialog about the kernel (it died and was started again, the connection is lost) lies over the page until someone closes it.
    await page.addLocatorHandler(page.locator(".kernel-modal.in"), async dialog => {
        seen.dialogs.push(await dialog.innerText());
        await dialog.locator(".modal-footer button").first().click();
    });
    await page.goto(seen.address);
    await page.waitForFunction(() => window.Jupyter?.notebook?.kernel?.is_connected(), null, { timeout: patience });
}

async function runAll(page) {
    // What the live display says, each time that it says something else.
    await page.evaluate(() => {
        window.said = [];
        setInterval(() => {
            const text = document.querySelectorAll(".cell")[3]?.querySelector(".output")?.innerText ?? "";
            const step = /step \d+ of \d+|waits for its first step/.exec(text)?.[0];
            if (step && window.said.at(-1) !== step) window.said.push(step);
        }, 20);
    });
    await page.locator("#menus .dropdown-toggle", { hasText: /^\s*Cell\s*$/ }).click();
    await page.click("#run_all_cells");
    await idle(page, 4);
}

async function idle(page, cell) {
    await page.waitForFunction(
        index => /^In \[\d+\]/.test(document.querySelectorAll(".cell")[index].querySelector(".input_prompt").innerText.replace(/\u00a0/g, " ").trim()) && !window.Jupyter.notebook.kernel_busy,
        cell, { timeout: patience });
}

async function lookAtOutputs(page) {
    seen.errors = await page.locator(".output_error").allInnerTexts();
    seen.warnings = await page.locator(".output_stderr").allInnerTexts();
    seen.picture = await page.locator(".cell").nth(1).locator("img").evaluateAll(images => images.map(image => [image.naturalWidth, image.naturalHeight]));
    await page.waitForFunction(() => document.querySelectorAll(".cell")[2].querySelectorAll(".js-line").length > 0, null, { timeout: patience });
    seen.lines = await page.locator(".cell").nth(2).locator(".scatterlayer .js-line").count();
    seen.live = await page.evaluate(() => window.said);
    seen.liveOutputs = await page.locator(".cell").nth(3).locator(".output_area").count();
    seen.last = await page.locator(".cell").nth(4).locator(".output_text").innerText();
    await page.screenshot({ path: join(screenshots, `${kernel}-all.png`), fullPage: true });
    await page.locator(".cell").nth(3).scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(screenshots, `${kernel}-live.png`) });
}

async function writeAndRun(page, index, code) {
    await page.evaluate(([index, code]) => {
        const notebook = window.Jupyter.notebook;
        while (notebook.ncells() <= index) notebook.insert_cell_at_bottom("code");
        notebook.get_cell(index).set_text(code);
        notebook.select(index);
        notebook.execute_cell();
    }, [index, code]);
}

async function stopATraining(page) {
    await writeAndRun(page, 5, training(100000));
    await page.waitForFunction(() => /step \d+ of 100000/.test(document.querySelectorAll(".cell")[5].querySelector(".output")?.innerText ?? ""), null, { timeout: patience });
    const pressed = Date.now();
    await page.click("button[title='interrupt the kernel']");
    await page.waitForFunction(() => document.querySelectorAll(".cell")[5].querySelector(".output_error"), null, { timeout: patience });
    seen.stopSeconds = (Date.now() - pressed) / 1000;
    seen.stopped = await page.locator(".cell").nth(5).locator(".output_error").innerText();
    await writeAndRun(page, 6, "pictures.Count > 0 ? \"still here\" : \"lost\"");
    await page.waitForFunction(() => document.querySelectorAll(".cell")[6].querySelector(".output_text"), null, { timeout: patience });
    seen.after = await page.locator(".cell").nth(6).locator(".output_text").innerText();
    await page.locator(".cell").nth(6).scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(screenshots, `${kernel}-stopped.png`) });
}

async function complete(page) {
    const index = await page.evaluate(() => {
        const notebook = window.Jupyter.notebook;
        notebook.insert_cell_at_bottom("code");
        const last = notebook.ncells() - 1;
        notebook.select(last);
        notebook.get_cell(last).focus_editor();
        notebook.edit_mode();
        return last;
    });
    await page.locator(".cell").nth(index).locator(".CodeMirror").click();
    await page.waitForFunction(() => window.Jupyter.notebook.kernel.is_connected() && !window.Jupyter.notebook.kernel_busy, null, { timeout: patience });
    await page.keyboard.type("Console.Writ");
    await page.keyboard.press("Tab");
    await page.waitForSelector(".completions option", { state: "attached", timeout: patience });
    seen.completions = await page.locator(".completions option").allInnerTexts();
    await page.screenshot({ path: join(screenshots, `${kernel}-completion.png`) });
}
