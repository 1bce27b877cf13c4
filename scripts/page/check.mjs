// The simulator's page in a real browser: opened with a key, it shows deployments and
// requests as they end, and changes a limit and a latency. `check.sh` starts the
// simulator; its URL is the first argument, a file for a screenshot the second.
import { chromium } from "playwright-core";
import assert from "node:assert/strict";

const [url, screenshot] = process.argv.slice(2);
const key = "simulator-key";
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(url);

  await page.getByLabel("Key").fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("send a key of this resource").waitFor();

  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("cell", { name: "gpt-4o", exact: true }).waitFor();

  const answer = await fetch(`${url}openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21`, {
    method: "POST",
    headers: { "api-key": key },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }], max_tokens: 3 }),
  });
  assert.equal(answer.status, 200);
  const row = page.locator("#requests tbody tr").first();
  await row.getByText("ChatCompletions_Create").waitFor();
  assert.equal(await row.locator("td").nth(3).textContent(), "200");
  await page.getByText("tokens").first().waitFor();

  await page.getByLabel("gpt-4o tpm", { exact: true }).fill("1234");
  await page.getByLabel("gpt-4o base_ms", { exact: true }).fill("250");
  await page.locator('tr[data-name="gpt-4o"]').getByRole("button", { name: "Apply" }).click();
  await page.getByText("gpt-4o changed").waitFor();
  const config = await (await fetch(`${url}++/config`, { headers: { "api-key": key } })).json();
  assert.equal(config.deployments["gpt-4o"].tpm, 1234);
  assert.equal(config.deployments["gpt-4o"].latency.base_ms, 250);

  await page.getByLabel("gpt-4o tpm", { exact: true }).fill("0");
  await page.locator('tr[data-name="gpt-4o"]').getByRole("button", { name: "Apply" }).click();
  await page.locator("#message.bad").getByText("must be a whole number").waitFor();
  if (screenshot) await page.screenshot({ path: screenshot });
  assert.deepEqual(problems, []);
  console.log("the page: key, deployments, requests, limit and latency changed, mistake explained");
} finally {
  await browser.close();
}
