"""The console, driven by a browser: headless Chromium on a whole fleet. Screenshots go to the fleet's directory, or to the
one that TOLLWAY_SCREENSHOTS names."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

import rules
from fleet import PATIENCE, Fleet, check, main, wait_for
from gateway import make_key, start_gateway, submit

PAGES = ("", "/jobs", "/lanes/low", "/providers", "/dead", "/blocked", "/users/ana", "/money", "/alerts", "/freeze",
         "/changes")
QUIET = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
         "--hide-scrollbars", "--window-size=1360,1000")


class Browser:
    """A Chromium that follows one gateway and keeps what its log and its network said."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.base = f"http://127.0.0.1:{fleet.gateway.port}"
        self.pictures = pathlib.Path(os.environ.get("TOLLWAY_SCREENSHOTS") or fleet.directory / "screenshots")
        self.pictures.mkdir(parents=True, exist_ok=True)
        options = webdriver.ChromeOptions()
        for flag in (*QUIET, f"--user-data-dir={fleet.directory / 'browser'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        check(chromium and driver, "chromium and chromedriver are not installed: apt-get install chromium chromium-driver")
        options.binary_location = chromium
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)
        self.driver.get("about:blank")
        self.driver.get_log("performance")  # what its own first page asked for
        self.said, self.asked = [], set()

    def open(self, path):
        self.driver.get(self.base + "/console" + path)

    @property
    def path(self):
        return urllib.parse.urlsplit(self.driver.current_url).path

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        check(found, f"{self.driver.current_url} has no {selector}: {self.text('main')}")
        return found[0]

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent.trim() ?? null", selector)

    def count(self, selector):
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def wait_for_text(self, selector, wanted):
        """wanted: a text, or what says whether one is right."""
        right = wanted if callable(wanted) else lambda text: text == wanted
        seen = []

        def matches():
            seen[:] = [self.text(selector)]
            return seen[0] is not None and right(seen[0])
        try:
            wait_for(selector, PATIENCE, matches)
        except Exception as failure:
            raise type(failure)(f"{failure}; it says {seen[0]!r} on {self.driver.current_url}") from None

    def fill(self, form, **fields):
        """Fills in the form that a selector names and sends it; returns when the next page is there."""
        self.run("document.documentElement.dataset.before = 'yes';"
                 "for (const d of document.querySelectorAll('details')) d.open = true")
        element = self.find(form)
        for name, value in fields.items():
            field = element.find_element(By.CSS_SELECTOR, f'[name="{name}"]')
            field.clear()
            field.send_keys(value)
        element.find_element(By.CSS_SELECTOR, "button").click()
        self.wait_for_page()

    def follow(self, link):
        self.run("document.documentElement.dataset.before = 'yes'")
        self.find(link).click()
        self.wait_for_page()

    def wait_for_page(self):
        wait_for("the next page", PATIENCE, lambda: self.run(
            "return document.readyState === 'complete' && !document.documentElement.dataset.before"))

    def sign_in(self, secret):
        self.open("/sign-in")
        self.fill('form[action="/console/sign-in"]', key=secret)
        check(self.path == "/console", f"signed in, and at {self.path}")

    def take_picture(self, name, width=1360, height=1000, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.size(width, height)
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def keep_logs(self):
        """Errors and warnings of the browser since the last time, and every address that it asked."""
        self.said += [entry["message"] for entry in self.driver.get_log("browser")
                      if entry["level"] in ("SEVERE", "WARNING")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                parameters = message["params"]
                self.asked.add(parameters.get("url") or parameters["request"]["url"])

    def check_logs(self):
        self.keep_logs()
        check(not self.said, f"the browser's log: {self.said[:5]}")
        foreign = {address for address in self.asked if not address.startswith((self.base + "/", "data:"))}
        check(not foreign, f"it asked {sorted(foreign)[:5]}")
        check(any(address.endswith("/console/events") for address in self.asked), "it never asked for events")

    def cookie(self):
        return "; ".join(f"{each['name']}={each['value']}" for each in self.driver.get_cookies())


@contextlib.contextmanager
def browsing():
    with Fleet("console") as fleet:
        fleet.start_provider("--latency-ms", "20")
        fleet.use_rules(rules.policy(fleet.provider_port, order="echo"), rules.costs())
        fleet.worker = fleet.start_worker(24)
        fleet.start_billing()
        fleet.gateway = start_gateway(fleet)
        fleet.results.listen()
        fleet.admin = make_key(fleet, scopes="admin")[1]
        fleet.reader = make_key(fleet, scopes="read")[1]
        wait_for("a key is asked for", PATIENCE, lambda: submit(fleet.gateway, echo("ana", "probe")).status == 401)
        browser = Browser(fleet)
        try:
            yield fleet, browser
        finally:
            browser.driver.quit()


def echo(user, name, tier="tier1", milliseconds=0):
    return {"id": name, "userId": user, "taskType": "echo", "userTier": tier,
            "payload": {"sleepMs": milliseconds, "secret": "a prompt that no page may show"}}


def send(fleet, *jobs):
    for job in jobs:
        answer = submit(fleet.gateway, job, fleet.admin)
        check(answer.status == 202, f"{answer.status} {answer.text}")


def console():
    """Signs in, sees a job move through a lane and ends on its page, replays a dead letter, freezes and thaws; a reader is
    refused; without script and on a phone the pages work; nothing is said in the browser's log, nobody else is asked."""
    with browsing() as (fleet, browser):
        letter = bury(fleet)
        browser.sign_in(fleet.admin)
        moves_through_a_lane(fleet, browser)
        job_page(fleet, browser)
        dead_letter(fleet, browser, letter)
        freeze(fleet, browser)
        without_script(fleet, browser)
        on_a_phone(browser)
        reader(fleet, browser)
        browser.check_logs()
        return f"{len(browser.asked)} addresses asked"


def bury(fleet):
    """A job for which there was no provider, and now there is one."""
    job = {"id": "console-dead", "userId": "dora", "taskType": "llm", "userTier": "tier2",
           "payload": {"prompt": "a prompt that no page may show"}}
    send(fleet, job)
    fleet.results.wait([job["id"]], PATIENCE)
    wait_for("the dead letter", PATIENCE, lambda: fleet.depth("jobs.dead") == 1)
    fleet.use_rules(rules.policy(fleet.provider_port), rules.costs())
    fleet.wait_for_line(fleet.worker, "policy file changed and is in force")
    return job["id"]


def moves_through_a_lane(fleet, browser):
    """On one page that is never loaded again."""
    browser.wait_for_text("#low-running", "0")
    browser.run("window.stillHere = true")
    send(fleet, *(echo("ana", f"ana-{n}", milliseconds=9000) for n in range(5)))
    send(fleet, *(echo(f"user-{n % 4}", f"crowd-{n}", f"tier{2 + n % 3}", 6000) for n in range(36)))
    browser.wait_for_text("#low-running", "2")
    browser.wait_for_text("#low-concurrency", "3")
    browser.wait_for_text("#live", "Live")
    browser.wait_for_text("#standard-running", lambda text: int(text) > 0)
    browser.take_picture("plaza")
    check(browser.run("return window.stillHere === true"), "the page was loaded again")


def job_page(fleet, browser):
    """Of the last of five jobs of a user who may run two."""
    browser.follow('nav a[href="/console/jobs"]')
    browser.fill('main form[action="/console/jobs"]', find="ana-4")
    check(browser.path == "/console/jobs/ana-4", f"the finder leads to {browser.path}")
    browser.run("window.stillHere = true")
    browser.wait_for_text("#why", lambda text: "wait" in text.lower())
    browser.take_picture("job")
    browser.wait_for_text("#why", lambda text: "succeeded" in text.lower() or "done" in text.lower())
    check(browser.run("return window.stillHere === true"), "the page was loaded again")
    check(browser.count("form[action$='/cancel']") == 0, "a job that has ended can be cancelled")
    browser.take_picture("job-ended")
    browser.open("/jobs?find=nobody-at-all")
    check("nobody-at-all" in browser.driver.page_source, "the finder forgets what was asked")


def dead_letter(fleet, browser, letter):
    browser.open("/dead")
    browser.take_picture("dead")
    browser.run("document.querySelector(`input[name=id][value='${arguments[0]}']`).click()", letter)
    browser.fill("form[action='/console/plans']:has(input[type=checkbox])")
    check(browser.path.startswith("/console/plans/"), f"the plan is at {browser.path}")
    browser.take_picture("plan")
    runs = len(fleet.results.by_job()[letter])
    browser.fill("form[action^='/console/plans/']", reason="the provider is well again")
    browser.take_picture("result")

    def is_replayed():
        events = fleet.results.by_job()[letter]
        return len(events) > runs and events[-1]["status"] == "succeeded"
    wait_for("the new run succeeds", PATIENCE, is_replayed)
    wait_for("the letter is gone", PATIENCE, lambda: fleet.depth("jobs.dead") == 0)
    browser.open("/changes")
    check("the provider is well again" in browser.driver.page_source, "the audit has no row of the replay")


def freeze(fleet, browser):
    for state in ("on", "off"):
        browser.open("/freeze")
        browser.follow(f"a[href='/console/freeze?state={state}']")
        browser.fill("form[action='/console/freeze']", reason=f"trial {state}", name=fleet.namespace)
        check(browser.path == "/console/freeze", f"after the switch it is at {browser.path}")
        said = fleet.command("freeze", "status")
        check(said["state"] == state and said["redis"] == "agrees", f"frozen is {said}")
        check(said["changes"][0]["reason"] == f"trial {state}", f"the newest change is {said['changes'][0]}")
        if state == "on":
            browser.take_picture("freeze", dark=True)


def without_script(fleet, browser):
    """Every page, and a form."""
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    for page in PAGES:
        browser.open(page)
        check(browser.text("main") and browser.count("nav a") > 5, f"{page} shows nothing without script")
        check(browser.count("[data-live]") == 0 or not browser.text("#live"), f"{page}: a script ran")
    for act, state in (("hold", "held"), ("release", "serving")):
        browser.open("/providers")
        browser.fill(f"form[action='/console/providers/fake/{act}']", reason="trial")
        row = [row for row in fleet.command("providers", "list") if row["provider"] == "fake"]
        check(row[0]["state"] == state, f"after {act} the provider is {row}")
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def on_a_phone(browser):
    browser.size(360, 760)
    wide = {}
    for page in PAGES:
        browser.open(page)
        wide[page] = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    too_wide = {page: pixels for page, pixels in wide.items() if pixels > 0}
    check(not too_wide, f"too wide for a phone, by pixels: {too_wide}")
    browser.open("")
    browser.take_picture("phone", 360, 760)
    browser.take_picture("phone-dark", 360, 760, dark=True)
    browser.size(1360, 1000)


def reader(fleet, browser):
    """Has no buttons, and is refused where it makes some."""
    browser.open("")
    browser.fill("form[action='/console/sign-out']")
    check(browser.path == "/console/sign-in", f"signed out, and at {browser.path}")
    browser.sign_in(fleet.reader)
    for page in PAGES:
        browser.open(page)
        forms = browser.count("form[method=post]:not([action='/console/sign-out'])")
        check(forms == 0, f"{page} offers a reader {forms} forms")
        check("a prompt that no page may show" not in browser.driver.page_source, f"{page} shows a prompt")
    token = browser.run("return document.querySelector('input[name=token]').value")
    fields = urllib.parse.urlencode({"token": token, "reason": "trial", "state": "on", "name": fleet.namespace})
    for path in ("/freeze", "/providers/fake/hold", "/jobs/ana-0/cancel", "/users/ana"):
        connection = http.client.HTTPConnection("127.0.0.1", fleet.gateway.port, timeout=PATIENCE)
        connection.request("POST", f"/console{path}", fields, {
            "Content-Type": "application/x-www-form-urlencoded", "Cookie": browser.cookie(),
            "Sec-Fetch-Site": "same-origin"})
        status = connection.getresponse().status
        connection.close()
        check(status == 403, f"a reader's {path} was answered with {status}")


if __name__ == "__main__":
    main(console)
