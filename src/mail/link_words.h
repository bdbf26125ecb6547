/*
 * link_words: the names by which links.c knows schemes, extensions and domains. Each list is sorted by bytes.
 */
#ifndef MAIL_LINK_WORDS_H
#define MAIL_LINK_WORDS_H

/* The schemes of the web, and the words they are written as when they are defanged. */
static const char *const link_web_schemes[] = { "ftp", "http", "https" };
static const char *const link_defanged_schemes[] = { "fxp", "hxxp", "hxxps" };

/* Schemes that programs open without "//" behind the colon. Those that begin with "ms-" are known by that. */
static const char *const link_schemes[] = {
	"about", "blob", "cid", "data", "facetime", "facetime-audio", "feed", "file", "ftp", "geo", "http",
	"https", "im", "intent", "jar", "javascript", "ldap", "ldaps", "livescript", "magnet", "mailto",
	"maps", "market", "mhtml", "mid", "mk", "mms", "news", "nntp", "onenote", "outlook", "rdp", "rtsp",
	"search-ms", "shell", "sip", "sips", "skype", "ssh", "telnet", "vbscript", "view-source", "vnd",
	"webcal", "xmpp",
};

/* Schemes of telephones: "TEL:03-1234-5678" is written everywhere and is one; "TEL: 03" is none. */
static const char *const link_telephone_schemes[] = {
	"callto", "fax", "mms", "mmsto", "sms", "smsto", "tel",
};

/* Extensions of files that are no top-level domains: a file name stays readable. (zip, mov, md, py, sh, ps and others are domains.) */
static const char *const link_file_extensions[] = {
	"accdb", "asp", "aspx", "avi", "bak", "bat", "bmp", "cer", "cfg", "cgi", "cmd", "conf", "crt",
	"css", "csv", "dat", "db", "dll", "doc", "docm", "docx", "dotx", "dwg", "dxf", "eml", "exe", "flv",
	"gif", "gz", "heic", "htm", "html", "ico", "ics", "img", "ini", "iso", "jar", "jaw", "jpeg", "jpg",
	"js", "json", "jsp", "jtd", "jtdc", "jww", "key", "lnk", "log", "lzh", "mdb", "mp3", "mp4", "mpeg",
	"mpg", "msg", "msi", "odp", "ods", "odt", "pdf", "pem", "php", "png", "pps", "ppt", "pptm", "pptx",
	"psd", "pst", "rar", "rtf", "scr", "sfc", "sql", "svg", "text", "tgz", "tif", "tiff", "tmp", "ts",
	"tsv", "txt", "vbs", "vcf", "wav", "webp", "wma", "wmv", "wsf", "xbd", "xdw", "xhtml", "xls",
	"xlsb", "xlsm", "xlsx", "xlt", "xml", "xz", "yaml", "yml",
};

/* Top-level domains in kana and kanji. Unlike Latin ones they must be known: Japanese words stand behind full stops everywhere. */
static const char *const link_japanese_domains[] = {
	"みんな", "アマゾン", "クラウド", "グーグル", "コム", "ストア", "セール", "ファッション", "ポイント", "世界", "中信", "中国", "中國", "中文网",
	"亚马逊", "企业", "佛山", "信息", "健康", "八卦", "公司", "公益", "台湾", "台灣", "商城", "商店", "商标", "嘉里", "嘉里大酒店", "在线",
	"大拿", "天主教", "娱乐", "家電", "广东", "微博", "慈善", "我爱你", "手机", "招聘", "政务", "政府", "新加坡", "新闻", "时尚", "書籍",
	"机构", "淡马锡", "游戏", "澳門", "点看", "移动", "组织机构", "网址", "网店", "网站", "网络", "联通", "臺灣", "谷歌", "购物", "通販",
	"集团", "電訊盈科", "飞利浦", "食品", "餐厅", "香格里拉", "香港",
};

#endif
