import Contracts
import Testing

struct APIKeyTests {
  @Test func `a secret is found by its id and opens its key only`() throws {
    let (key, secret) = APIKey.make(name: "studio", scopes: [.submit, .read], users: .everybody)
    let (other, _) = APIKey.make(name: "other", scopes: [.submit], users: .everybody)
    #expect(secret.wholeMatch(of: /tw_[0-9a-z]{12}_[A-Za-z0-9_-]{43}/) != nil)
    #expect(APIKey.id(in: secret) == key.id)
    #expect(key.isOpened(by: secret) && !other.isOpened(by: secret) && !key.isOpened(by: secret + "x"))
    #expect(!String(decoding: key.encoded(), as: UTF8.self).contains(secret.suffix(43)))
    #expect(APIKey(decoding: key.encoded()) == key)
    for text in ["", "tw_", "tw_abc_def", secret.uppercased(), secret + "x", "x" + secret] {
      #expect(APIKey.id(in: text) == nil)
    }
  }

  @Test func `a key is for one user, for a prefix or for everybody`() throws {
    let one = try #require(UserPattern("ana"))
    #expect(one.allows("ana") && !one.allows("anabel") && !one.allows("an"))
    let some = try #require(UserPattern("studio-*"))
    #expect(some.allows("studio-") && some.allows("studio-1") && !some.allows("studio") && !some.allows("x-studio-1"))
    #expect(UserPattern("*") == .everybody && UserPattern.everybody.allows("anybody"))
    for text in ["", "**", "a*b", "a b", "*a", String(repeating: "a", count: 129)] { #expect(UserPattern(text) == nil) }
    #expect(some.description == "studio-*" && UserPattern.everybody.description == "*")
  }
}
