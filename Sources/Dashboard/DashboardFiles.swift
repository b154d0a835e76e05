/// The files of the dashboard, in the program itself.
enum DashboardFiles {
  static var page: [UInt8] { PackageResources.index_html }

  struct File {
    var name: String
    var bytes: [UInt8]

    var contentType: String {
      switch name.split(separator: ".").last {
      case "js": "text/javascript; charset=utf-8"
      case "css": "text/css; charset=utf-8"
      default: "image/svg+xml"
      }
    }
  }

  static var all: [File] {
    named.map { File(name: $0.0, bytes: $0.1) }
  }

  private static var named: [(String, [UInt8])] {
    [
      ("adoption-panel.js", PackageResources.adoption_panel_js),
      ("alert-form.js", PackageResources.alert_form_js),
      ("alert-view.js", PackageResources.alert_view_js),
      ("alert-words.js", PackageResources.alert_words_js),
      ("alerts-view.js", PackageResources.alerts_view_js),
      ("api.js", PackageResources.api_js),
      ("back-test.js", PackageResources.back_test_js),
      ("bar-chart.js", PackageResources.bar_chart_js),
      ("budget-panel.js", PackageResources.budget_panel_js),
      ("channels-panel.js", PackageResources.channels_panel_js),
      ("chart.js", PackageResources.chart_js),
      ("comparison-panel.js", PackageResources.comparison_panel_js),
      ("dashboard.css", PackageResources.dashboard_css),
      ("dom.js", PackageResources.dom_js),
      ("estimate-panel.js", PackageResources.estimate_panel_js),
      ("format.js", PackageResources.format_js),
      ("icon.svg", PackageResources.icon_svg),
      ("incident-table.js", PackageResources.incident_table_js),
      ("line-chart.js", PackageResources.line_chart_js),
      ("live.js", PackageResources.live_js),
      ("main.js", PackageResources.main_js),
      ("objective-form.js", PackageResources.objective_form_js),
      ("pickers.js", PackageResources.pickers_js),
      ("platforms.js", PackageResources.platforms_js),
      ("release-table.js", PackageResources.release_table_js),
      ("release-view.js", PackageResources.release_view_js),
      ("releases-view.js", PackageResources.releases_view_js),
      ("settings-view.js", PackageResources.settings_view_js),
      ("setup-view.js", PackageResources.setup_view_js),
      ("sign-in-view.js", PackageResources.sign_in_view_js),
      ("snippets.js", PackageResources.snippets_js),
      ("sparkline.js", PackageResources.sparkline_js),
      ("state.js", PackageResources.state_js),
      ("statuses.js", PackageResources.statuses_js),
      ("trust-panel.js", PackageResources.trust_panel_js),
    ]
  }
}
