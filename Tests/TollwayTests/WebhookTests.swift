import Billing
import Catalog
import Contracts
import Testing

@testable import tollway

struct WebhookTests {
  private func alert(_ body: String) -> StoredAlert {
    StoredAlert(
      id: "fleet/2026-11/cost_cap/80", routingKey: "warning.cost_cap", body: Array(body.utf8),
      createdAt: Timestamp(milliseconds: 0))
  }

  @Test func `the body is the alert's own behind a text and an id`() throws {
    let body = Webhook.body(
      alert(
        #"{"kind":"cost_cap","severity":"warning","state":"raised","message":"80 % are spent","action":"look","hardStop":false}"#
      ))
    #expect(
      String(decoding: body, as: UTF8.self)
        == #"{"text":"[warning] 80 % are spent\nWhat to do: look","id":"fleet/2026-11/cost_cap/80","kind":"cost_cap","#
        + #""severity":"warning","state":"raised","message":"80 % are spent","action":"look","hardStop":false}"#)
    _ = try JSONParser.parse(body)
  }

  @Test func `names cannot be markup`() {
    let text = AlertText(
      alert(#"{"severity":"error","message":"<!channel> & <@U1>","state":"recovered","action":null}"#))
    #expect(text.chat == "[over] &lt;!channel&gt; &amp; &lt;@U1&gt;")
  }

  @Test func `a body that cannot be read is told by its kind`() {
    let text = AlertText(alert("{"))
    #expect(text.chat == "[error] warning.cost_cap")
  }

  @Test func `only an alert whose form is refused is given up`() {
    #expect(Webhook.outcome(of: 200, retryAfter: nil) == .accepted)
    #expect(Webhook.outcome(of: 204, retryAfter: nil) == .accepted)
    #expect(Webhook.outcome(of: 400, retryAfter: nil) == .refused("status 400"))
    for status: UInt in [301, 302, 401, 403, 404, 408, 500, 503] {
      #expect(Webhook.outcome(of: status, retryAfter: nil) == .failed("status \(status)", after: nil))
    }
    #expect(Webhook.outcome(of: 429, retryAfter: "30") == .failed("status 429", after: .seconds(30)))
    #expect(Webhook.outcome(of: 429, retryAfter: "9223372036854775807") == .failed("status 429", after: .seconds(600)))
    #expect(Webhook.outcome(of: 429, retryAfter: "-1") == .failed("status 429", after: .zero))
    #expect(Webhook.outcome(of: 429, retryAfter: "soon") == .failed("status 429", after: nil))
  }

  @Test func `the address is looked up where the policy says and never shown`() throws {
    var policy = try PolicyFile.read(text: PolicyFile.builtIn).0
    func look(_ value: String?) -> WebhookAddress {
      WebhookAddress.look(policy, environment: value.map { ["HOOK": $0] } ?? [:])
    }
    #expect(look("https://a.example") == .none)
    policy.notify.webhookEnvironment = "HOOK"
    #expect(look(nil) == .unusable("HOOK is not set"))
    #expect(look("") == .unusable("HOOK is not set"))
    for good in [
      "https://hooks.example/services/T0/B0/x", "https://hooks.example:8443/a?sig=b&c=d", "http://127.0.0.1:9/x",
      "http://localhost/x",
    ] { #expect(look(good) == .known(good)) }
    for bad in [
      "http://hooks.example/s3cret", "ftp://127.0.0.1/s3cret", "s3cret", "https://", "https://user:s3cret@a.example/",
      "https://a.example/s3cret#x", "http://127.0.0.1.s3cret.example/", "https://a.example/s3cret x",
      "http://10.0.0.1?@127.0.0.1/s3cret",
    ] {
      guard case .unusable(let reason) = look(bad) else {
        Issue.record("\(bad) is used")
        continue
      }
      #expect(!reason.contains("s3cret"), "\(reason)")
    }
  }
}
