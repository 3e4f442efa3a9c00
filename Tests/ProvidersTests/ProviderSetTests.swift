import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct ProviderSetTests {
  private func policy(_ definitions: [ProviderDefinition]) -> Policy {
    Policy(
      defaultTier: "FREE", trustsMessageTier: true, aliases: [:], tiers: [:],
      providers: Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) }), models: [], plainHTTPHosts: [])
  }

  @Test func `every kind has its provider`() async throws {
    let directory = try TestDirectory("set")
    let set = ProviderSet(
      policy: policy(ProviderDefinition.Kind.allCases.map { definition(named: $0.rawValue, kind: $0, command: ["x"]) }),
      artifacts: ArtifactStore(directory: directory.url.path), environment: [:], logger: silentLogger)
    #expect(set.names == Set(ProviderDefinition.Kind.allCases.map(\.rawValue)))
    #expect(set["no such name"] == nil)
    #expect(set["echo"]?.name == "echo")
    await set.shutdown()
  }

  @Test func `a changed policy keeps what did not change`() async throws {
    let directory = try TestDirectory("set")
    let old = ProviderSet(
      policy: policy([definition(named: "a", kind: .espeak), definition(named: "b", kind: .espeak)]),
      artifacts: ArtifactStore(directory: directory.url.path), environment: [:], logger: silentLogger)
    let (new, retired) = old.adopting(
      policy([
        definition(named: "a", kind: .espeak), definition(named: "b", kind: .espeak, timeout: .seconds(1)),
        definition(named: "c", kind: .echo),
      ]))
    #expect(new.names == ["a", "b", "c"])
    #expect(retired.map(\.name) == ["b"])
    #expect(new["a"] is ESpeakProvider)
    #expect(new["a"] as? ESpeakProvider === old["a"] as? ESpeakProvider)
    #expect(new["b"] as? ESpeakProvider !== old["b"] as? ESpeakProvider)
    await new.shutdown()
  }
}

struct APIKeyTests {
  @Test func `a key comes from the named variable or file`() throws {
    let directory = try TestDirectory("key")
    let file = directory.file("key").path
    try Data("sk-file\n".utf8).write(to: URL(filePath: file))
    func found(_ variable: String?, _ path: String?, _ environment: [String: String] = [:]) -> String {
      let definition = definition(named: "p", kind: .openai, keyVariable: variable, keyFile: path)
      switch APIKey.lookUp(definition, environment: environment) {
      case .found(let key): return key.authorization
      case .notNeeded: return "not needed"
      case .missing(let reason): return reason
      }
    }
    #expect(found("K", nil, ["K": "sk-1 "]) == "Bearer sk-1")
    #expect(found(nil, file) == "Bearer sk-file")
    #expect(found(nil, nil) == "not needed")
    #expect(found("K", nil) == "set K")
    #expect(found(nil, file + "x") == "the key file \(file)x cannot be read")
    #expect(found("K", nil, ["K": "\n"]) == "the key in K is empty")
    #expect(found("K", nil, ["K": "a\r\nX-Evil: 1"]) == "the key in K has characters that no key has")
  }
}
