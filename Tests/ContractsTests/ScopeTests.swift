import Contracts
import Testing

struct ScopeTests {
  @Test func `scopes have the names that keys are made with`() {
    #expect(Scope.allCases.map(\.rawValue) == ["submit", "read", "admin"])
  }
}
