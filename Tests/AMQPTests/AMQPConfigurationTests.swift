import Testing

@testable import AMQP

struct AMQPConfigurationTests {
  @Test func `every part of a URL is optional`() throws {
    let configuration = try AMQPConfiguration(url: "amqp://")
    #expect(configuration.host == "127.0.0.1")
    #expect(configuration.port == 5672)
    #expect(configuration.virtualHost == "/")
    #expect(configuration.user == "guest")
    #expect(configuration.password == "guest")
    #expect(configuration.tls == nil)
  }

  @Test func `parts are percent-decoded, and an empty virtual host is the default one`() throws {
    let configuration = try AMQPConfiguration(url: "amqp://a%40b:p%2F%3a%25@broker.example:1234/my%2Fvhost")
    #expect(configuration.user == "a@b")
    #expect(configuration.password == "p/:%")
    #expect(configuration.host == "broker.example")
    #expect(configuration.port == 1234)
    #expect(configuration.virtualHost == "my/vhost")
    #expect(try AMQPConfiguration(url: "amqp://host/").virtualHost == "/")
    #expect(try AMQPConfiguration(url: "amqp://host/%2f").virtualHost == "/")
  }

  @Test func `an address in brackets is a host`() throws {
    let configuration = try AMQPConfiguration(url: "amqp://[::1]:5673")
    #expect(configuration.host == "::1")
    #expect(configuration.port == 5673)
    #expect(try AMQPConfiguration(url: "amqp://[::1]").port == 5672)
    #expect("\(configuration)" == "amqp://guest@[::1]:5673/")
  }

  @Test func `amqps has its own port and takes files and verification from options`() throws {
    let plain = try AMQPConfiguration(url: "amqps://host")
    #expect(plain.port == 5671)
    #expect(plain.tls?.verifies == true)
    let full = try AMQPConfiguration(
      url: "amqps://host/v?cacertfile=%2Fca.pem&certfile=/c.pem&keyfile=/k.pem&verify=verify_none&heartbeat=7")
    #expect(full.tls?.authorities == "/ca.pem")
    #expect(full.tls?.certificate == "/c.pem")
    #expect(full.tls?.key == "/k.pem")
    #expect(full.tls?.verifies == false)
    #expect(full.heartbeatSeconds == 7)
    #expect(try AMQPConfiguration(url: "amqp://h?connection_timeout=1500").timeout == .milliseconds(1500))
  }

  @Test(arguments: [
    "host:5672", "http://host", "amqp://host:0", "amqp://host:99999", "amqp://host:x", "amqp://u:p%2@host",
    "amqp://u:p%zz@host", "amqp://u:%00@host", "amqp://u:%ff@host", "amqp://host?verify=verify_none",
    "amqps://host?verify=maybe", "amqps://host?certfile=/c.pem", "amqps://host?keyfile=/k.pem",
    "amqp://host?heartbeat=0",
    "amqp://host?nonsense=1", "amqp://host?heartbeat", "amqp://[::1]x",
  ])
  func `a wrong URL is a configuration error`(url: String) {
    let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
    #expect(error?.code == .configuration)
    #expect(error?.disposition == .permanent)
  }

  @Test func `neither description nor error quotes the password`() throws {
    let configuration = try AMQPConfiguration(url: "amqp://user:sesame@host/v")
    #expect("\(configuration)" == "amqp://user@host:5672/v")
    #expect(!String(describing: configuration).contains("sesame"))
    for url in ["amqp://user:ses?ame=1@host", "amqp://user:sesame%zz@host", "amqp://user:sesame@host:nan"] {
      let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
      #expect(error?.message.contains("ame") == false || error?.message.contains("name") == true)
      #expect(error?.message.contains("sesame") == false)
    }
  }
}
