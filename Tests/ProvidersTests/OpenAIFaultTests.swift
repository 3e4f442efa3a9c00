import Contracts
import Testing

@testable import Providers

struct OpenAIFaultTests {
  let now = Timestamp(milliseconds: 1_763_740_800_000)  // Fri, 21 Nov 2025 16:00:00 GMT

  private func failure(_ status: Int, _ body: String = "", retryAfter: String? = nil) -> ProviderFailure {
    OpenAIFault.failure(status: status, body: Array(body.utf8), retryAfter: retryAfter, now: now)
  }

  @Test(arguments: [
    (400, ProviderFailure.Kind.caller), (413, .caller), (415, .caller), (422, .caller),
    (401, .account), (402, .funds), (403, .account), (404, .notFound), (405, .notFound), (410, .notFound),
    (429, .rateLimited), (451, .contentRefused), (408, .lost), (504, .lost), (524, .lost),
    (409, .server), (424, .server), (425, .server), (500, .server), (502, .server), (503, .server), (529, .server),
    (301, .malformed), (307, .malformed),
  ])
  func `a status has its kind`(status: Int, kind: ProviderFailure.Kind) {
    #expect(failure(status).kind == kind)
    #expect(failure(status, "<html>not JSON</html>").kind == kind)
  }

  @Test(arguments: [
    (429, #"{"error":{"type":"insufficient_quota","code":"credit_balance_exhausted"}}"#, ProviderFailure.Kind.funds),
    (429, #"{"error":{"code":"organization_spend_limit_exceeded"}}"#, .funds),
    (400, #"{"error":{"code":"project_spend_limit_exceeded"}}"#, .funds),
    (400, #"{"error":{"message":"the text 'credit balance' is too low"}}"#, .caller),
    (400, #"{"error":{"code":"content_policy_violation"}}"#, .contentRefused),
    (400, #"{"error":{"type":"image_generation_user_error","code":"moderation_blocked"}}"#, .contentRefused),
    (400, #"{"error":{"code":"model_not_found"}}"#, .notFound),
    (403, #"{"error":{"code":"model_not_found"}}"#, .notFound),
    (400, #"{"error":{"code":"context_length_exceeded"}}"#, .contextTooLong),
    (400, #"{"error":{"code":"string_above_max_length"}}"#, .contextTooLong),
    (400, #"{"error":{"type":"BadRequestError","code":400,"message":"maximum context length is 8"}}"#, .contextTooLong),
    (500, #"{"error":{"message":"maximum context length is 8"}}"#, .server),
    (429, #"{"error":{"type":"tokens","code":"rate_limit_exceeded"}}"#, .rateLimited),
    (500, #"{"error":"just a string"}"#, .server), (500, #"{"error":{"code":500}}"#, .server),
  ])
  func `a code says more than the status`(status: Int, body: String, kind: ProviderFailure.Kind) {
    #expect(failure(status, body).kind == kind)
  }

  @Test func `an error under status 200 is an error`() throws {
    func inside(_ text: String) throws -> ProviderFailure? {
      OpenAIFault.failure(inside: try JSONParser.parse(Array(text.utf8)).root)
    }
    #expect(try inside(#"{"error":{"code":429,"message":"m"}}"#)?.kind == .rateLimited)
    #expect(try inside(#"{"error":{"message":"m"}}"#)?.kind == .server)
    #expect(try inside(#"{"error":{"code":"insufficient_quota"}}"#)?.kind == .funds)
    #expect(try inside(#"{"error":{"code":"429"}}"#)?.kind == .rateLimited)
    #expect(try inside(#"{"error":{"type":"rate_limit_error"}}"#)?.kind == .rateLimited)
    #expect(try inside(#"{"error":{"type":"invalid_request_error","code":null}}"#)?.kind == .caller)
    #expect(try inside(#"{"error":"words"}"#)?.kind == .server)
    #expect(try inside(#"{"error":null,"choices":[]}"#) == nil)
  }

  @Test func `the words of a provider are never repeated`() {
    let body = #"{"error":{"message":"PRIVATE","type":"PRIVATE","code":"PRIVATE"}}"#
    for status in [302, 400, 401, 404, 429, 451, 500, 504] {
      #expect(!failure(status, body, retryAfter: "PRIVATE").detail.contains("PRIVATE"))
    }
  }

  @Test(arguments: [
    ("2", 2000), ("0", 0), ("1.5", 1500), ("999999999", 86_400_000), ("Fri, 21 Nov 2025 16:00:30 GMT", 30_000),
    ("Fri, 21 Nov 2025 15:00:00 GMT", 0), ("Fri, 01 Jan 2027 00:00:00 GMT", 86_400_000),
  ])
  func `the pause a provider asks for is kept, up to a day`(header: String, milliseconds: Int) {
    #expect(failure(429, retryAfter: header).retryAfter == .milliseconds(milliseconds))
  }

  @Test func `milliseconds win over seconds, and a pause goes with every kind that is waited for`() {
    func pause(_ status: Int, _ milliseconds: String) -> Duration? {
      OpenAIFault.failure(
        status: status, body: [], retryAfter: "7", retryAfterMilliseconds: milliseconds, now: now
      ).retryAfter
    }
    #expect(pause(429, "250") == .milliseconds(250))
    #expect(pause(503, "1500.5") == .milliseconds(1500))
    #expect(pause(529, "soon") == .seconds(7))
    #expect(pause(429, "-1") == .seconds(7))
    #expect(pause(400, "250") == nil)
  }

  @Test(arguments: ["", "soon", "-1", "nan", "inf", "Fri, 41 Nov 2025 16:00:30 GMT", "Friday, 21-Nov-25 16:00:30 GMT"])
  func `what is no pause is none`(header: String) {
    #expect(failure(429, retryAfter: header).retryAfter == nil)
  }
}
