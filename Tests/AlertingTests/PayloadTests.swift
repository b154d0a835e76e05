import FoundationEssentials
import ReleaseHealth
import Storage
import Testing

@testable import Alerting

@Suite struct PayloadTests {
  private static let now = Timestamp(seconds: 1_767_225_600)

  private func notice(_ title: String, key: String = "k") -> Notice {
    Notice(
      key: key, action: .critical, title: title, text: "t", webURL: nil, subject: "{\"a\": 1}",
      created: Self.now)
  }

  /// RFC 4231's second case.
  @Test func signatures() {
    #expect(
      WebhookPayload.signature(of: Array("what do ya want for nothing?".utf8), secret: "Jefe")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  @Test func theBodyOfTheWebhook() {
    let body = WebhookPayload.body(notice("T\"é"), installation: .max)
    #expect(
      String(decoding: body, as: UTF8.self) == """
        {"action":"critical","installation":{"uuid":"ffffffff-ffff-8fff-bfff-ffffffffffff"},\
        "actor":{"id":"hale","name":"Hale","type":"application"},\
        "data":{"description_title":"T\\"é","description_text":"t","web_url":null,\
        "metric_alert":{"a": 1}}}
        """)
  }

  @Test(arguments: [
    "plain", "Größe", String(repeating: "é€😀", count: 60), String(repeating: "x", count: 300),
    "=?UTF-8?B?eA==?=", "a\r\nBcc: b@c", "",
  ])
  func subjectsComeBackOutOfEncodedWords(text: String) throws {
    let header = MailPayload.encodedWords(text, after: 9)
    let lines = header.split(separator: "\r\n", omittingEmptySubsequences: false)
    #expect(
      lines.allSatisfy { $0.utf8.count <= 76 } && "Subject: ".utf8.count + lines[0].utf8.count <= 76
    )
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(" ") })
    var decoded: [UInt8] = []
    for line in lines {
      let word = line.drop { $0 == " " }
      if word.hasPrefix("=?UTF-8?B?") {
        let content = String(word.dropFirst(10).dropLast(2))
        let bytes = try #require(Data(base64Encoded: content))
        // No character is cut in two.
        #expect(String(validating: bytes, as: UTF8.self) != nil)
        decoded += bytes
      } else {
        decoded += word.utf8
      }
    }
    let expected = text.replacing("\r\n", with: "  ")
    #expect(String(decoding: decoded, as: UTF8.self) == expected)
  }

  @Test(arguments: ["a@b", "a.b+c@x-y.example", "!#$%&'*+-/=?^_`{|}~@b"])
  func addressesThatAreTaken(text: String) {
    #expect(MailAddress.isValid(text))
  }

  @Test(arguments: [
    "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c", "<a@b>", "a,b@c", "a@b,c@d", ".a@b", "a.@b",
    "a..b@c", "a@.b", "a@b.", "\"a\"@b", "a@[1.2.3.4]", "é@b", "a@b\r\n", "a@b\nBcc: c@d",
  ])
  func addressesThatAreRefused(text: String) {
    #expect(!MailAddress.isValid(text))
  }

  @Test func settingsComeBackFromTheStore() throws {
    let all: [ChannelSettings] = [
      .webhook(url: "https://a/?x=\"", secret: "s\\"), .slack(url: "https://a"),
      .discord(url: "https://a"), .email(to: ["a@b", "c@d"], from: nil),
      .email(to: ["a@b"], from: "e@f"), .command(name: "page"),
    ]
    for settings in all {
      let channel = NoticeChannel(
        id: 1, organization: OrganizationID(rawValue: 1), name: "x", kind: settings.kind,
        settings: settings.stored, created: Self.now)
      #expect(ChannelSettings(channel) == settings)
    }
  }
}
