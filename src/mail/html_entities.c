/* html_entities: made by tables/make_entities.py; do not edit. */
#include "mail/html_entities.h"

const char html_entity_names[] =
	"AElig"
	"AElig;"
	"AMP"
	"AMP;"
	"Aacute"
	"Aacute;"
	"Abreve;"
	"Acirc"
	"Acirc;"
	"Acy;"
	"Afr;"
	"Agrave"
	"Agrave;"
	"Alpha;"
	"Amacr;"
	"And;"
	"Aogon;"
	"Aopf;"
	"ApplyFunction;"
	"Aring"
	"Aring;"
	"Ascr;"
	"Assign;"
	"Atilde"
	"Atilde;"
	"Auml"
	"Auml;"
	"Backslash;"
	"Barv;"
	"Barwed;"
	"Bcy;"
	"Because;"
	"Bernoullis;"
	"Beta;"
	"Bfr;"
	"Bopf;"
	"Breve;"
	"Bscr;"
	"Bumpeq;"
	"CHcy;"
	"COPY"
	"COPY;"
	"Cacute;"
	"Cap;"
	"CapitalDifferentialD;"
	"Cayleys;"
	"Ccaron;"
	"Ccedil"
	"Ccedil;"
	"Ccirc;"
	"Cconint;"
	"Cdot;"
	"Cedilla;"
	"CenterDot;"
	"Cfr;"
	"Chi;"
	"CircleDot;"
	"CircleMinus;"
	"CirclePlus;"
	"CircleTimes;"
	"ClockwiseContourIntegral;"
	"CloseCurlyDoubleQuote;"
	"CloseCurlyQuote;"
	"Colon;"
	"Colone;"
	"Congruent;"
	"Conint;"
	"ContourIntegral;"
	"Copf;"
	"Coproduct;"
	"CounterClockwiseContourIntegral;"
	"Cross;"
	"Cscr;"
	"Cup;"
	"CupCap;"
	"DD;"
	"DDotrahd;"
	"DJcy;"
	"DScy;"
	"DZcy;"
	"Dagger;"
	"Darr;"
	"Dashv;"
	"Dcaron;"
	"Dcy;"
	"Del;"
	"Delta;"
	"Dfr;"
	"DiacriticalAcute;"
	"DiacriticalDot;"
	"DiacriticalDoubleAcute;"
	"DiacriticalGrave;"
	"DiacriticalTilde;"
	"Diamond;"
	"DifferentialD;"
	"Dopf;"
	"Dot;"
	"DotDot;"
	"DotEqual;"
	"DoubleContourIntegral;"
	"DoubleDot;"
	"DoubleDownArrow;"
	"DoubleLeftArrow;"
	"DoubleLeftRightArrow;"
	"DoubleLeftTee;"
	"DoubleLongLeftArrow;"
	"DoubleLongLeftRightArrow;"
	"DoubleLongRightArrow;"
	"DoubleRightArrow;"
	"DoubleRightTee;"
	"DoubleUpArrow;"
	"DoubleUpDownArrow;"
	"DoubleVerticalBar;"
	"DownArrow;"
	"DownArrowBar;"
	"DownArrowUpArrow;"
	"DownBreve;"
	"DownLeftRightVector;"
	"DownLeftTeeVector;"
	"DownLeftVector;"
	"DownLeftVectorBar;"
	"DownRightTeeVector;"
	"DownRightVector;"
	"DownRightVectorBar;"
	"DownTee;"
	"DownTeeArrow;"
	"Downarrow;"
	"Dscr;"
	"Dstrok;"
	"ENG;"
	"ETH"
	"ETH;"
	"Eacute"
	"Eacute;"
	"Ecaron;"
	"Ecirc"
	"Ecirc;"
	"Ecy;"
	"Edot;"
	"Efr;"
	"Egrave"
	"Egrave;"
	"Element;"
	"Emacr;"
	"EmptySmallSquare;"
	"EmptyVerySmallSquare;"
	"Eogon;"
	"Eopf;"
	"Epsilon;"
	"Equal;"
	"EqualTilde;"
	"Equilibrium;"
	"Escr;"
	"Esim;"
	"Eta;"
	"Euml"
	"Euml;"
	"Exists;"
	"ExponentialE;"
	"Fcy;"
	"Ffr;"
	"FilledSmallSquare;"
	"FilledVerySmallSquare;"
	"Fopf;"
	"ForAll;"
	"Fouriertrf;"
	"Fscr;"
	"GJcy;"
	"GT"
	"GT;"
	"Gamma;"
	"Gammad;"
	"Gbreve;"
	"Gcedil;"
	"Gcirc;"
	"Gcy;"
	"Gdot;"
	"Gfr;"
	"Gg;"
	"Gopf;"
	"GreaterEqual;"
	"GreaterEqualLess;"
	"GreaterFullEqual;"
	"GreaterGreater;"
	"GreaterLess;"
	"GreaterSlantEqual;"
	"GreaterTilde;"
	"Gscr;"
	"Gt;"
	"HARDcy;"
	"Hacek;"
	"Hat;"
	"Hcirc;"
	"Hfr;"
	"HilbertSpace;"
	"Hopf;"
	"HorizontalLine;"
	"Hscr;"
	"Hstrok;"
	"HumpDownHump;"
	"HumpEqual;"
	"IEcy;"
	"IJlig;"
	"IOcy;"
	"Iacute"
	"Iacute;"
	"Icirc"
	"Icirc;"
	"Icy;"
	"Idot;"
	"Ifr;"
	"Igrave"
	"Igrave;"
	"Im;"
	"Imacr;"
	"ImaginaryI;"
	"Implies;"
	"Int;"
	"Integral;"
	"Intersection;"
	"InvisibleComma;"
	"InvisibleTimes;"
	"Iogon;"
	"Iopf;"
	"Iota;"
	"Iscr;"
	"Itilde;"
	"Iukcy;"
	"Iuml"
	"Iuml;"
	"Jcirc;"
	"Jcy;"
	"Jfr;"
	"Jopf;"
	"Jscr;"
	"Jsercy;"
	"Jukcy;"
	"KHcy;"
	"KJcy;"
	"Kappa;"
	"Kcedil;"
	"Kcy;"
	"Kfr;"
	"Kopf;"
	"Kscr;"
	"LJcy;"
	"LT"
	"LT;"
	"Lacute;"
	"Lambda;"
	"Lang;"
	"Laplacetrf;"
	"Larr;"
	"Lcaron;"
	"Lcedil;"
	"Lcy;"
	"LeftAngleBracket;"
	"LeftArrow;"
	"LeftArrowBar;"
	"LeftArrowRightArrow;"
	"LeftCeiling;"
	"LeftDoubleBracket;"
	"LeftDownTeeVector;"
	"LeftDownVector;"
	"LeftDownVectorBar;"
	"LeftFloor;"
	"LeftRightArrow;"
	"LeftRightVector;"
	"LeftTee;"
	"LeftTeeArrow;"
	"LeftTeeVector;"
	"LeftTriangle;"
	"LeftTriangleBar;"
	"LeftTriangleEqual;"
	"LeftUpDownVector;"
	"LeftUpTeeVector;"
	"LeftUpVector;"
	"LeftUpVectorBar;"
	"LeftVector;"
	"LeftVectorBar;"
	"Leftarrow;"
	"Leftrightarrow;"
	"LessEqualGreater;"
	"LessFullEqual;"
	"LessGreater;"
	"LessLess;"
	"LessSlantEqual;"
	"LessTilde;"
	"Lfr;"
	"Ll;"
	"Lleftarrow;"
	"Lmidot;"
	"LongLeftArrow;"
	"LongLeftRightArrow;"
	"LongRightArrow;"
	"Longleftarrow;"
	"Longleftrightarrow;"
	"Longrightarrow;"
	"Lopf;"
	"LowerLeftArrow;"
	"LowerRightArrow;"
	"Lscr;"
	"Lsh;"
	"Lstrok;"
	"Lt;"
	"Map;"
	"Mcy;"
	"MediumSpace;"
	"Mellintrf;"
	"Mfr;"
	"MinusPlus;"
	"Mopf;"
	"Mscr;"
	"Mu;"
	"NJcy;"
	"Nacute;"
	"Ncaron;"
	"Ncedil;"
	"Ncy;"
	"NegativeMediumSpace;"
	"NegativeThickSpace;"
	"NegativeThinSpace;"
	"NegativeVeryThinSpace;"
	"NestedGreaterGreater;"
	"NestedLessLess;"
	"NewLine;"
	"Nfr;"
	"NoBreak;"
	"NonBreakingSpace;"
	"Nopf;"
	"Not;"
	"NotCongruent;"
	"NotCupCap;"
	"NotDoubleVerticalBar;"
	"NotElement;"
	"NotEqual;"
	"NotEqualTilde;"
	"NotExists;"
	"NotGreater;"
	"NotGreaterEqual;"
	"NotGreaterFullEqual;"
	"NotGreaterGreater;"
	"NotGreaterLess;"
	"NotGreaterSlantEqual;"
	"NotGreaterTilde;"
	"NotHumpDownHump;"
	"NotHumpEqual;"
	"NotLeftTriangle;"
	"NotLeftTriangleBar;"
	"NotLeftTriangleEqual;"
	"NotLess;"
	"NotLessEqual;"
	"NotLessGreater;"
	"NotLessLess;"
	"NotLessSlantEqual;"
	"NotLessTilde;"
	"NotNestedGreaterGreater;"
	"NotNestedLessLess;"
	"NotPrecedes;"
	"NotPrecedesEqual;"
	"NotPrecedesSlantEqual;"
	"NotReverseElement;"
	"NotRightTriangle;"
	"NotRightTriangleBar;"
	"NotRightTriangleEqual;"
	"NotSquareSubset;"
	"NotSquareSubsetEqual;"
	"NotSquareSuperset;"
	"NotSquareSupersetEqual;"
	"NotSubset;"
	"NotSubsetEqual;"
	"NotSucceeds;"
	"NotSucceedsEqual;"
	"NotSucceedsSlantEqual;"
	"NotSucceedsTilde;"
	"NotSuperset;"
	"NotSupersetEqual;"
	"NotTilde;"
	"NotTildeEqual;"
	"NotTildeFullEqual;"
	"NotTildeTilde;"
	"NotVerticalBar;"
	"Nscr;"
	"Ntilde"
	"Ntilde;"
	"Nu;"
	"OElig;"
	"Oacute"
	"Oacute;"
	"Ocirc"
	"Ocirc;"
	"Ocy;"
	"Odblac;"
	"Ofr;"
	"Ograve"
	"Ograve;"
	"Omacr;"
	"Omega;"
	"Omicron;"
	"Oopf;"
	"OpenCurlyDoubleQuote;"
	"OpenCurlyQuote;"
	"Or;"
	"Oscr;"
	"Oslash"
	"Oslash;"
	"Otilde"
	"Otilde;"
	"Otimes;"
	"Ouml"
	"Ouml;"
	"OverBar;"
	"OverBrace;"
	"OverBracket;"
	"OverParenthesis;"
	"PartialD;"
	"Pcy;"
	"Pfr;"
	"Phi;"
	"Pi;"
	"PlusMinus;"
	"Poincareplane;"
	"Popf;"
	"Pr;"
	"Precedes;"
	"PrecedesEqual;"
	"PrecedesSlantEqual;"
	"PrecedesTilde;"
	"Prime;"
	"Product;"
	"Proportion;"
	"Proportional;"
	"Pscr;"
	"Psi;"
	"QUOT"
	"QUOT;"
	"Qfr;"
	"Qopf;"
	"Qscr;"
	"RBarr;"
	"REG"
	"REG;"
	"Racute;"
	"Rang;"
	"Rarr;"
	"Rarrtl;"
	"Rcaron;"
	"Rcedil;"
	"Rcy;"
	"Re;"
	"ReverseElement;"
	"ReverseEquilibrium;"
	"ReverseUpEquilibrium;"
	"Rfr;"
	"Rho;"
	"RightAngleBracket;"
	"RightArrow;"
	"RightArrowBar;"
	"RightArrowLeftArrow;"
	"RightCeiling;"
	"RightDoubleBracket;"
	"RightDownTeeVector;"
	"RightDownVector;"
	"RightDownVectorBar;"
	"RightFloor;"
	"RightTee;"
	"RightTeeArrow;"
	"RightTeeVector;"
	"RightTriangle;"
	"RightTriangleBar;"
	"RightTriangleEqual;"
	"RightUpDownVector;"
	"RightUpTeeVector;"
	"RightUpVector;"
	"RightUpVectorBar;"
	"RightVector;"
	"RightVectorBar;"
	"Rightarrow;"
	"Ropf;"
	"RoundImplies;"
	"Rrightarrow;"
	"Rscr;"
	"Rsh;"
	"RuleDelayed;"
	"SHCHcy;"
	"SHcy;"
	"SOFTcy;"
	"Sacute;"
	"Sc;"
	"Scaron;"
	"Scedil;"
	"Scirc;"
	"Scy;"
	"Sfr;"
	"ShortDownArrow;"
	"ShortLeftArrow;"
	"ShortRightArrow;"
	"ShortUpArrow;"
	"Sigma;"
	"SmallCircle;"
	"Sopf;"
	"Sqrt;"
	"Square;"
	"SquareIntersection;"
	"SquareSubset;"
	"SquareSubsetEqual;"
	"SquareSuperset;"
	"SquareSupersetEqual;"
	"SquareUnion;"
	"Sscr;"
	"Star;"
	"Sub;"
	"Subset;"
	"SubsetEqual;"
	"Succeeds;"
	"SucceedsEqual;"
	"SucceedsSlantEqual;"
	"SucceedsTilde;"
	"SuchThat;"
	"Sum;"
	"Sup;"
	"Superset;"
	"SupersetEqual;"
	"Supset;"
	"THORN"
	"THORN;"
	"TRADE;"
	"TSHcy;"
	"TScy;"
	"Tab;"
	"Tau;"
	"Tcaron;"
	"Tcedil;"
	"Tcy;"
	"Tfr;"
	"Therefore;"
	"Theta;"
	"ThickSpace;"
	"ThinSpace;"
	"Tilde;"
	"TildeEqual;"
	"TildeFullEqual;"
	"TildeTilde;"
	"Topf;"
	"TripleDot;"
	"Tscr;"
	"Tstrok;"
	"Uacute"
	"Uacute;"
	"Uarr;"
	"Uarrocir;"
	"Ubrcy;"
	"Ubreve;"
	"Ucirc"
	"Ucirc;"
	"Ucy;"
	"Udblac;"
	"Ufr;"
	"Ugrave"
	"Ugrave;"
	"Umacr;"
	"UnderBar;"
	"UnderBrace;"
	"UnderBracket;"
	"UnderParenthesis;"
	"Union;"
	"UnionPlus;"
	"Uogon;"
	"Uopf;"
	"UpArrow;"
	"UpArrowBar;"
	"UpArrowDownArrow;"
	"UpDownArrow;"
	"UpEquilibrium;"
	"UpTee;"
	"UpTeeArrow;"
	"Uparrow;"
	"Updownarrow;"
	"UpperLeftArrow;"
	"UpperRightArrow;"
	"Upsi;"
	"Upsilon;"
	"Uring;"
	"Uscr;"
	"Utilde;"
	"Uuml"
	"Uuml;"
	"VDash;"
	"Vbar;"
	"Vcy;"
	"Vdash;"
	"Vdashl;"
	"Vee;"
	"Verbar;"
	"Vert;"
	"VerticalBar;"
	"VerticalLine;"
	"VerticalSeparator;"
	"VerticalTilde;"
	"VeryThinSpace;"
	"Vfr;"
	"Vopf;"
	"Vscr;"
	"Vvdash;"
	"Wcirc;"
	"Wedge;"
	"Wfr;"
	"Wopf;"
	"Wscr;"
	"Xfr;"
	"Xi;"
	"Xopf;"
	"Xscr;"
	"YAcy;"
	"YIcy;"
	"YUcy;"
	"Yacute"
	"Yacute;"
	"Ycirc;"
	"Ycy;"
	"Yfr;"
	"Yopf;"
	"Yscr;"
	"Yuml;"
	"ZHcy;"
	"Zacute;"
	"Zcaron;"
	"Zcy;"
	"Zdot;"
	"ZeroWidthSpace;"
	"Zeta;"
	"Zfr;"
	"Zopf;"
	"Zscr;"
	"aacute"
	"aacute;"
	"abreve;"
	"ac;"
	"acE;"
	"acd;"
	"acirc"
	"acirc;"
	"acute"
	"acute;"
	"acy;"
	"aelig"
	"aelig;"
	"af;"
	"afr;"
	"agrave"
	"agrave;"
	"alefsym;"
	"aleph;"
	"alpha;"
	"amacr;"
	"amalg;"
	"amp"
	"amp;"
	"and;"
	"andand;"
	"andd;"
	"andslope;"
	"andv;"
	"ang;"
	"ange;"
	"angle;"
	"angmsd;"
	"angmsdaa;"
	"angmsdab;"
	"angmsdac;"
	"angmsdad;"
	"angmsdae;"
	"angmsdaf;"
	"angmsdag;"
	"angmsdah;"
	"angrt;"
	"angrtvb;"
	"angrtvbd;"
	"angsph;"
	"angst;"
	"angzarr;"
	"aogon;"
	"aopf;"
	"ap;"
	"apE;"
	"apacir;"
	"ape;"
	"apid;"
	"apos;"
	"approx;"
	"approxeq;"
	"aring"
	"aring;"
	"ascr;"
	"ast;"
	"asymp;"
	"asympeq;"
	"atilde"
	"atilde;"
	"auml"
	"auml;"
	"awconint;"
	"awint;"
	"bNot;"
	"backcong;"
	"backepsilon;"
	"backprime;"
	"backsim;"
	"backsimeq;"
	"barvee;"
	"barwed;"
	"barwedge;"
	"bbrk;"
	"bbrktbrk;"
	"bcong;"
	"bcy;"
	"bdquo;"
	"becaus;"
	"because;"
	"bemptyv;"
	"bepsi;"
	"bernou;"
	"beta;"
	"beth;"
	"between;"
	"bfr;"
	"bigcap;"
	"bigcirc;"
	"bigcup;"
	"bigodot;"
	"bigoplus;"
	"bigotimes;"
	"bigsqcup;"
	"bigstar;"
	"bigtriangledown;"
	"bigtriangleup;"
	"biguplus;"
	"bigvee;"
	"bigwedge;"
	"bkarow;"
	"blacklozenge;"
	"blacksquare;"
	"blacktriangle;"
	"blacktriangledown;"
	"blacktriangleleft;"
	"blacktriangleright;"
	"blank;"
	"blk12;"
	"blk14;"
	"blk34;"
	"block;"
	"bne;"
	"bnequiv;"
	"bnot;"
	"bopf;"
	"bot;"
	"bottom;"
	"bowtie;"
	"boxDL;"
	"boxDR;"
	"boxDl;"
	"boxDr;"
	"boxH;"
	"boxHD;"
	"boxHU;"
	"boxHd;"
	"boxHu;"
	"boxUL;"
	"boxUR;"
	"boxUl;"
	"boxUr;"
	"boxV;"
	"boxVH;"
	"boxVL;"
	"boxVR;"
	"boxVh;"
	"boxVl;"
	"boxVr;"
	"boxbox;"
	"boxdL;"
	"boxdR;"
	"boxdl;"
	"boxdr;"
	"boxh;"
	"boxhD;"
	"boxhU;"
	"boxhd;"
	"boxhu;"
	"boxminus;"
	"boxplus;"
	"boxtimes;"
	"boxuL;"
	"boxuR;"
	"boxul;"
	"boxur;"
	"boxv;"
	"boxvH;"
	"boxvL;"
	"boxvR;"
	"boxvh;"
	"boxvl;"
	"boxvr;"
	"bprime;"
	"breve;"
	"brvbar"
	"brvbar;"
	"bscr;"
	"bsemi;"
	"bsim;"
	"bsime;"
	"bsol;"
	"bsolb;"
	"bsolhsub;"
	"bull;"
	"bullet;"
	"bump;"
	"bumpE;"
	"bumpe;"
	"bumpeq;"
	"cacute;"
	"cap;"
	"capand;"
	"capbrcup;"
	"capcap;"
	"capcup;"
	"capdot;"
	"caps;"
	"caret;"
	"caron;"
	"ccaps;"
	"ccaron;"
	"ccedil"
	"ccedil;"
	"ccirc;"
	"ccups;"
	"ccupssm;"
	"cdot;"
	"cedil"
	"cedil;"
	"cemptyv;"
	"cent"
	"cent;"
	"centerdot;"
	"cfr;"
	"chcy;"
	"check;"
	"checkmark;"
	"chi;"
	"cir;"
	"cirE;"
	"circ;"
	"circeq;"
	"circlearrowleft;"
	"circlearrowright;"
	"circledR;"
	"circledS;"
	"circledast;"
	"circledcirc;"
	"circleddash;"
	"cire;"
	"cirfnint;"
	"cirmid;"
	"cirscir;"
	"clubs;"
	"clubsuit;"
	"colon;"
	"colone;"
	"coloneq;"
	"comma;"
	"commat;"
	"comp;"
	"compfn;"
	"complement;"
	"complexes;"
	"cong;"
	"congdot;"
	"conint;"
	"copf;"
	"coprod;"
	"copy"
	"copy;"
	"copysr;"
	"crarr;"
	"cross;"
	"cscr;"
	"csub;"
	"csube;"
	"csup;"
	"csupe;"
	"ctdot;"
	"cudarrl;"
	"cudarrr;"
	"cuepr;"
	"cuesc;"
	"cularr;"
	"cularrp;"
	"cup;"
	"cupbrcap;"
	"cupcap;"
	"cupcup;"
	"cupdot;"
	"cupor;"
	"cups;"
	"curarr;"
	"curarrm;"
	"curlyeqprec;"
	"curlyeqsucc;"
	"curlyvee;"
	"curlywedge;"
	"curren"
	"curren;"
	"curvearrowleft;"
	"curvearrowright;"
	"cuvee;"
	"cuwed;"
	"cwconint;"
	"cwint;"
	"cylcty;"
	"dArr;"
	"dHar;"
	"dagger;"
	"daleth;"
	"darr;"
	"dash;"
	"dashv;"
	"dbkarow;"
	"dblac;"
	"dcaron;"
	"dcy;"
	"dd;"
	"ddagger;"
	"ddarr;"
	"ddotseq;"
	"deg"
	"deg;"
	"delta;"
	"demptyv;"
	"dfisht;"
	"dfr;"
	"dharl;"
	"dharr;"
	"diam;"
	"diamond;"
	"diamondsuit;"
	"diams;"
	"die;"
	"digamma;"
	"disin;"
	"div;"
	"divide"
	"divide;"
	"divideontimes;"
	"divonx;"
	"djcy;"
	"dlcorn;"
	"dlcrop;"
	"dollar;"
	"dopf;"
	"dot;"
	"doteq;"
	"doteqdot;"
	"dotminus;"
	"dotplus;"
	"dotsquare;"
	"doublebarwedge;"
	"downarrow;"
	"downdownarrows;"
	"downharpoonleft;"
	"downharpoonright;"
	"drbkarow;"
	"drcorn;"
	"drcrop;"
	"dscr;"
	"dscy;"
	"dsol;"
	"dstrok;"
	"dtdot;"
	"dtri;"
	"dtrif;"
	"duarr;"
	"duhar;"
	"dwangle;"
	"dzcy;"
	"dzigrarr;"
	"eDDot;"
	"eDot;"
	"eacute"
	"eacute;"
	"easter;"
	"ecaron;"
	"ecir;"
	"ecirc"
	"ecirc;"
	"ecolon;"
	"ecy;"
	"edot;"
	"ee;"
	"efDot;"
	"efr;"
	"eg;"
	"egrave"
	"egrave;"
	"egs;"
	"egsdot;"
	"el;"
	"elinters;"
	"ell;"
	"els;"
	"elsdot;"
	"emacr;"
	"empty;"
	"emptyset;"
	"emptyv;"
	"emsp13;"
	"emsp14;"
	"emsp;"
	"eng;"
	"ensp;"
	"eogon;"
	"eopf;"
	"epar;"
	"eparsl;"
	"eplus;"
	"epsi;"
	"epsilon;"
	"epsiv;"
	"eqcirc;"
	"eqcolon;"
	"eqsim;"
	"eqslantgtr;"
	"eqslantless;"
	"equals;"
	"equest;"
	"equiv;"
	"equivDD;"
	"eqvparsl;"
	"erDot;"
	"erarr;"
	"escr;"
	"esdot;"
	"esim;"
	"eta;"
	"eth"
	"eth;"
	"euml"
	"euml;"
	"euro;"
	"excl;"
	"exist;"
	"expectation;"
	"exponentiale;"
	"fallingdotseq;"
	"fcy;"
	"female;"
	"ffilig;"
	"fflig;"
	"ffllig;"
	"ffr;"
	"filig;"
	"fjlig;"
	"flat;"
	"fllig;"
	"fltns;"
	"fnof;"
	"fopf;"
	"forall;"
	"fork;"
	"forkv;"
	"fpartint;"
	"frac12"
	"frac12;"
	"frac13;"
	"frac14"
	"frac14;"
	"frac15;"
	"frac16;"
	"frac18;"
	"frac23;"
	"frac25;"
	"frac34"
	"frac34;"
	"frac35;"
	"frac38;"
	"frac45;"
	"frac56;"
	"frac58;"
	"frac78;"
	"frasl;"
	"frown;"
	"fscr;"
	"gE;"
	"gEl;"
	"gacute;"
	"gamma;"
	"gammad;"
	"gap;"
	"gbreve;"
	"gcirc;"
	"gcy;"
	"gdot;"
	"ge;"
	"gel;"
	"geq;"
	"geqq;"
	"geqslant;"
	"ges;"
	"gescc;"
	"gesdot;"
	"gesdoto;"
	"gesdotol;"
	"gesl;"
	"gesles;"
	"gfr;"
	"gg;"
	"ggg;"
	"gimel;"
	"gjcy;"
	"gl;"
	"glE;"
	"gla;"
	"glj;"
	"gnE;"
	"gnap;"
	"gnapprox;"
	"gne;"
	"gneq;"
	"gneqq;"
	"gnsim;"
	"gopf;"
	"grave;"
	"gscr;"
	"gsim;"
	"gsime;"
	"gsiml;"
	"gt"
	"gt;"
	"gtcc;"
	"gtcir;"
	"gtdot;"
	"gtlPar;"
	"gtquest;"
	"gtrapprox;"
	"gtrarr;"
	"gtrdot;"
	"gtreqless;"
	"gtreqqless;"
	"gtrless;"
	"gtrsim;"
	"gvertneqq;"
	"gvnE;"
	"hArr;"
	"hairsp;"
	"half;"
	"hamilt;"
	"hardcy;"
	"harr;"
	"harrcir;"
	"harrw;"
	"hbar;"
	"hcirc;"
	"hearts;"
	"heartsuit;"
	"hellip;"
	"hercon;"
	"hfr;"
	"hksearow;"
	"hkswarow;"
	"hoarr;"
	"homtht;"
	"hookleftarrow;"
	"hookrightarrow;"
	"hopf;"
	"horbar;"
	"hscr;"
	"hslash;"
	"hstrok;"
	"hybull;"
	"hyphen;"
	"iacute"
	"iacute;"
	"ic;"
	"icirc"
	"icirc;"
	"icy;"
	"iecy;"
	"iexcl"
	"iexcl;"
	"iff;"
	"ifr;"
	"igrave"
	"igrave;"
	"ii;"
	"iiiint;"
	"iiint;"
	"iinfin;"
	"iiota;"
	"ijlig;"
	"imacr;"
	"image;"
	"imagline;"
	"imagpart;"
	"imath;"
	"imof;"
	"imped;"
	"in;"
	"incare;"
	"infin;"
	"infintie;"
	"inodot;"
	"int;"
	"intcal;"
	"integers;"
	"intercal;"
	"intlarhk;"
	"intprod;"
	"iocy;"
	"iogon;"
	"iopf;"
	"iota;"
	"iprod;"
	"iquest"
	"iquest;"
	"iscr;"
	"isin;"
	"isinE;"
	"isindot;"
	"isins;"
	"isinsv;"
	"isinv;"
	"it;"
	"itilde;"
	"iukcy;"
	"iuml"
	"iuml;"
	"jcirc;"
	"jcy;"
	"jfr;"
	"jmath;"
	"jopf;"
	"jscr;"
	"jsercy;"
	"jukcy;"
	"kappa;"
	"kappav;"
	"kcedil;"
	"kcy;"
	"kfr;"
	"kgreen;"
	"khcy;"
	"kjcy;"
	"kopf;"
	"kscr;"
	"lAarr;"
	"lArr;"
	"lAtail;"
	"lBarr;"
	"lE;"
	"lEg;"
	"lHar;"
	"lacute;"
	"laemptyv;"
	"lagran;"
	"lambda;"
	"lang;"
	"langd;"
	"langle;"
	"lap;"
	"laquo"
	"laquo;"
	"larr;"
	"larrb;"
	"larrbfs;"
	"larrfs;"
	"larrhk;"
	"larrlp;"
	"larrpl;"
	"larrsim;"
	"larrtl;"
	"lat;"
	"latail;"
	"late;"
	"lates;"
	"lbarr;"
	"lbbrk;"
	"lbrace;"
	"lbrack;"
	"lbrke;"
	"lbrksld;"
	"lbrkslu;"
	"lcaron;"
	"lcedil;"
	"lceil;"
	"lcub;"
	"lcy;"
	"ldca;"
	"ldquo;"
	"ldquor;"
	"ldrdhar;"
	"ldrushar;"
	"ldsh;"
	"le;"
	"leftarrow;"
	"leftarrowtail;"
	"leftharpoondown;"
	"leftharpoonup;"
	"leftleftarrows;"
	"leftrightarrow;"
	"leftrightarrows;"
	"leftrightharpoons;"
	"leftrightsquigarrow;"
	"leftthreetimes;"
	"leg;"
	"leq;"
	"leqq;"
	"leqslant;"
	"les;"
	"lescc;"
	"lesdot;"
	"lesdoto;"
	"lesdotor;"
	"lesg;"
	"lesges;"
	"lessapprox;"
	"lessdot;"
	"lesseqgtr;"
	"lesseqqgtr;"
	"lessgtr;"
	"lesssim;"
	"lfisht;"
	"lfloor;"
	"lfr;"
	"lg;"
	"lgE;"
	"lhard;"
	"lharu;"
	"lharul;"
	"lhblk;"
	"ljcy;"
	"ll;"
	"llarr;"
	"llcorner;"
	"llhard;"
	"lltri;"
	"lmidot;"
	"lmoust;"
	"lmoustache;"
	"lnE;"
	"lnap;"
	"lnapprox;"
	"lne;"
	"lneq;"
	"lneqq;"
	"lnsim;"
	"loang;"
	"loarr;"
	"lobrk;"
	"longleftarrow;"
	"longleftrightarrow;"
	"longmapsto;"
	"longrightarrow;"
	"looparrowleft;"
	"looparrowright;"
	"lopar;"
	"lopf;"
	"loplus;"
	"lotimes;"
	"lowast;"
	"lowbar;"
	"loz;"
	"lozenge;"
	"lozf;"
	"lpar;"
	"lparlt;"
	"lrarr;"
	"lrcorner;"
	"lrhar;"
	"lrhard;"
	"lrm;"
	"lrtri;"
	"lsaquo;"
	"lscr;"
	"lsh;"
	"lsim;"
	"lsime;"
	"lsimg;"
	"lsqb;"
	"lsquo;"
	"lsquor;"
	"lstrok;"
	"lt"
	"lt;"
	"ltcc;"
	"ltcir;"
	"ltdot;"
	"lthree;"
	"ltimes;"
	"ltlarr;"
	"ltquest;"
	"ltrPar;"
	"ltri;"
	"ltrie;"
	"ltrif;"
	"lurdshar;"
	"luruhar;"
	"lvertneqq;"
	"lvnE;"
	"mDDot;"
	"macr"
	"macr;"
	"male;"
	"malt;"
	"maltese;"
	"map;"
	"mapsto;"
	"mapstodown;"
	"mapstoleft;"
	"mapstoup;"
	"marker;"
	"mcomma;"
	"mcy;"
	"mdash;"
	"measuredangle;"
	"mfr;"
	"mho;"
	"micro"
	"micro;"
	"mid;"
	"midast;"
	"midcir;"
	"middot"
	"middot;"
	"minus;"
	"minusb;"
	"minusd;"
	"minusdu;"
	"mlcp;"
	"mldr;"
	"mnplus;"
	"models;"
	"mopf;"
	"mp;"
	"mscr;"
	"mstpos;"
	"mu;"
	"multimap;"
	"mumap;"
	"nGg;"
	"nGt;"
	"nGtv;"
	"nLeftarrow;"
	"nLeftrightarrow;"
	"nLl;"
	"nLt;"
	"nLtv;"
	"nRightarrow;"
	"nVDash;"
	"nVdash;"
	"nabla;"
	"nacute;"
	"nang;"
	"nap;"
	"napE;"
	"napid;"
	"napos;"
	"napprox;"
	"natur;"
	"natural;"
	"naturals;"
	"nbsp"
	"nbsp;"
	"nbump;"
	"nbumpe;"
	"ncap;"
	"ncaron;"
	"ncedil;"
	"ncong;"
	"ncongdot;"
	"ncup;"
	"ncy;"
	"ndash;"
	"ne;"
	"neArr;"
	"nearhk;"
	"nearr;"
	"nearrow;"
	"nedot;"
	"nequiv;"
	"nesear;"
	"nesim;"
	"nexist;"
	"nexists;"
	"nfr;"
	"ngE;"
	"nge;"
	"ngeq;"
	"ngeqq;"
	"ngeqslant;"
	"nges;"
	"ngsim;"
	"ngt;"
	"ngtr;"
	"nhArr;"
	"nharr;"
	"nhpar;"
	"ni;"
	"nis;"
	"nisd;"
	"niv;"
	"njcy;"
	"nlArr;"
	"nlE;"
	"nlarr;"
	"nldr;"
	"nle;"
	"nleftarrow;"
	"nleftrightarrow;"
	"nleq;"
	"nleqq;"
	"nleqslant;"
	"nles;"
	"nless;"
	"nlsim;"
	"nlt;"
	"nltri;"
	"nltrie;"
	"nmid;"
	"nopf;"
	"not"
	"not;"
	"notin;"
	"notinE;"
	"notindot;"
	"notinva;"
	"notinvb;"
	"notinvc;"
	"notni;"
	"notniva;"
	"notnivb;"
	"notnivc;"
	"npar;"
	"nparallel;"
	"nparsl;"
	"npart;"
	"npolint;"
	"npr;"
	"nprcue;"
	"npre;"
	"nprec;"
	"npreceq;"
	"nrArr;"
	"nrarr;"
	"nrarrc;"
	"nrarrw;"
	"nrightarrow;"
	"nrtri;"
	"nrtrie;"
	"nsc;"
	"nsccue;"
	"nsce;"
	"nscr;"
	"nshortmid;"
	"nshortparallel;"
	"nsim;"
	"nsime;"
	"nsimeq;"
	"nsmid;"
	"nspar;"
	"nsqsube;"
	"nsqsupe;"
	"nsub;"
	"nsubE;"
	"nsube;"
	"nsubset;"
	"nsubseteq;"
	"nsubseteqq;"
	"nsucc;"
	"nsucceq;"
	"nsup;"
	"nsupE;"
	"nsupe;"
	"nsupset;"
	"nsupseteq;"
	"nsupseteqq;"
	"ntgl;"
	"ntilde"
	"ntilde;"
	"ntlg;"
	"ntriangleleft;"
	"ntrianglelefteq;"
	"ntriangleright;"
	"ntrianglerighteq;"
	"nu;"
	"num;"
	"numero;"
	"numsp;"
	"nvDash;"
	"nvHarr;"
	"nvap;"
	"nvdash;"
	"nvge;"
	"nvgt;"
	"nvinfin;"
	"nvlArr;"
	"nvle;"
	"nvlt;"
	"nvltrie;"
	"nvrArr;"
	"nvrtrie;"
	"nvsim;"
	"nwArr;"
	"nwarhk;"
	"nwarr;"
	"nwarrow;"
	"nwnear;"
	"oS;"
	"oacute"
	"oacute;"
	"oast;"
	"ocir;"
	"ocirc"
	"ocirc;"
	"ocy;"
	"odash;"
	"odblac;"
	"odiv;"
	"odot;"
	"odsold;"
	"oelig;"
	"ofcir;"
	"ofr;"
	"ogon;"
	"ograve"
	"ograve;"
	"ogt;"
	"ohbar;"
	"ohm;"
	"oint;"
	"olarr;"
	"olcir;"
	"olcross;"
	"oline;"
	"olt;"
	"omacr;"
	"omega;"
	"omicron;"
	"omid;"
	"ominus;"
	"oopf;"
	"opar;"
	"operp;"
	"oplus;"
	"or;"
	"orarr;"
	"ord;"
	"order;"
	"orderof;"
	"ordf"
	"ordf;"
	"ordm"
	"ordm;"
	"origof;"
	"oror;"
	"orslope;"
	"orv;"
	"oscr;"
	"oslash"
	"oslash;"
	"osol;"
	"otilde"
	"otilde;"
	"otimes;"
	"otimesas;"
	"ouml"
	"ouml;"
	"ovbar;"
	"par;"
	"para"
	"para;"
	"parallel;"
	"parsim;"
	"parsl;"
	"part;"
	"pcy;"
	"percnt;"
	"period;"
	"permil;"
	"perp;"
	"pertenk;"
	"pfr;"
	"phi;"
	"phiv;"
	"phmmat;"
	"phone;"
	"pi;"
	"pitchfork;"
	"piv;"
	"planck;"
	"planckh;"
	"plankv;"
	"plus;"
	"plusacir;"
	"plusb;"
	"pluscir;"
	"plusdo;"
	"plusdu;"
	"pluse;"
	"plusmn"
	"plusmn;"
	"plussim;"
	"plustwo;"
	"pm;"
	"pointint;"
	"popf;"
	"pound"
	"pound;"
	"pr;"
	"prE;"
	"prap;"
	"prcue;"
	"pre;"
	"prec;"
	"precapprox;"
	"preccurlyeq;"
	"preceq;"
	"precnapprox;"
	"precneqq;"
	"precnsim;"
	"precsim;"
	"prime;"
	"primes;"
	"prnE;"
	"prnap;"
	"prnsim;"
	"prod;"
	"profalar;"
	"profline;"
	"profsurf;"
	"prop;"
	"propto;"
	"prsim;"
	"prurel;"
	"pscr;"
	"psi;"
	"puncsp;"
	"qfr;"
	"qint;"
	"qopf;"
	"qprime;"
	"qscr;"
	"quaternions;"
	"quatint;"
	"quest;"
	"questeq;"
	"quot"
	"quot;"
	"rAarr;"
	"rArr;"
	"rAtail;"
	"rBarr;"
	"rHar;"
	"race;"
	"racute;"
	"radic;"
	"raemptyv;"
	"rang;"
	"rangd;"
	"range;"
	"rangle;"
	"raquo"
	"raquo;"
	"rarr;"
	"rarrap;"
	"rarrb;"
	"rarrbfs;"
	"rarrc;"
	"rarrfs;"
	"rarrhk;"
	"rarrlp;"
	"rarrpl;"
	"rarrsim;"
	"rarrtl;"
	"rarrw;"
	"ratail;"
	"ratio;"
	"rationals;"
	"rbarr;"
	"rbbrk;"
	"rbrace;"
	"rbrack;"
	"rbrke;"
	"rbrksld;"
	"rbrkslu;"
	"rcaron;"
	"rcedil;"
	"rceil;"
	"rcub;"
	"rcy;"
	"rdca;"
	"rdldhar;"
	"rdquo;"
	"rdquor;"
	"rdsh;"
	"real;"
	"realine;"
	"realpart;"
	"reals;"
	"rect;"
	"reg"
	"reg;"
	"rfisht;"
	"rfloor;"
	"rfr;"
	"rhard;"
	"rharu;"
	"rharul;"
	"rho;"
	"rhov;"
	"rightarrow;"
	"rightarrowtail;"
	"rightharpoondown;"
	"rightharpoonup;"
	"rightleftarrows;"
	"rightleftharpoons;"
	"rightrightarrows;"
	"rightsquigarrow;"
	"rightthreetimes;"
	"ring;"
	"risingdotseq;"
	"rlarr;"
	"rlhar;"
	"rlm;"
	"rmoust;"
	"rmoustache;"
	"rnmid;"
	"roang;"
	"roarr;"
	"robrk;"
	"ropar;"
	"ropf;"
	"roplus;"
	"rotimes;"
	"rpar;"
	"rpargt;"
	"rppolint;"
	"rrarr;"
	"rsaquo;"
	"rscr;"
	"rsh;"
	"rsqb;"
	"rsquo;"
	"rsquor;"
	"rthree;"
	"rtimes;"
	"rtri;"
	"rtrie;"
	"rtrif;"
	"rtriltri;"
	"ruluhar;"
	"rx;"
	"sacute;"
	"sbquo;"
	"sc;"
	"scE;"
	"scap;"
	"scaron;"
	"sccue;"
	"sce;"
	"scedil;"
	"scirc;"
	"scnE;"
	"scnap;"
	"scnsim;"
	"scpolint;"
	"scsim;"
	"scy;"
	"sdot;"
	"sdotb;"
	"sdote;"
	"seArr;"
	"searhk;"
	"searr;"
	"searrow;"
	"sect"
	"sect;"
	"semi;"
	"seswar;"
	"setminus;"
	"setmn;"
	"sext;"
	"sfr;"
	"sfrown;"
	"sharp;"
	"shchcy;"
	"shcy;"
	"shortmid;"
	"shortparallel;"
	"shy"
	"shy;"
	"sigma;"
	"sigmaf;"
	"sigmav;"
	"sim;"
	"simdot;"
	"sime;"
	"simeq;"
	"simg;"
	"simgE;"
	"siml;"
	"simlE;"
	"simne;"
	"simplus;"
	"simrarr;"
	"slarr;"
	"smallsetminus;"
	"smashp;"
	"smeparsl;"
	"smid;"
	"smile;"
	"smt;"
	"smte;"
	"smtes;"
	"softcy;"
	"sol;"
	"solb;"
	"solbar;"
	"sopf;"
	"spades;"
	"spadesuit;"
	"spar;"
	"sqcap;"
	"sqcaps;"
	"sqcup;"
	"sqcups;"
	"sqsub;"
	"sqsube;"
	"sqsubset;"
	"sqsubseteq;"
	"sqsup;"
	"sqsupe;"
	"sqsupset;"
	"sqsupseteq;"
	"squ;"
	"square;"
	"squarf;"
	"squf;"
	"srarr;"
	"sscr;"
	"ssetmn;"
	"ssmile;"
	"sstarf;"
	"star;"
	"starf;"
	"straightepsilon;"
	"straightphi;"
	"strns;"
	"sub;"
	"subE;"
	"subdot;"
	"sube;"
	"subedot;"
	"submult;"
	"subnE;"
	"subne;"
	"subplus;"
	"subrarr;"
	"subset;"
	"subseteq;"
	"subseteqq;"
	"subsetneq;"
	"subsetneqq;"
	"subsim;"
	"subsub;"
	"subsup;"
	"succ;"
	"succapprox;"
	"succcurlyeq;"
	"succeq;"
	"succnapprox;"
	"succneqq;"
	"succnsim;"
	"succsim;"
	"sum;"
	"sung;"
	"sup1"
	"sup1;"
	"sup2"
	"sup2;"
	"sup3"
	"sup3;"
	"sup;"
	"supE;"
	"supdot;"
	"supdsub;"
	"supe;"
	"supedot;"
	"suphsol;"
	"suphsub;"
	"suplarr;"
	"supmult;"
	"supnE;"
	"supne;"
	"supplus;"
	"supset;"
	"supseteq;"
	"supseteqq;"
	"supsetneq;"
	"supsetneqq;"
	"supsim;"
	"supsub;"
	"supsup;"
	"swArr;"
	"swarhk;"
	"swarr;"
	"swarrow;"
	"swnwar;"
	"szlig"
	"szlig;"
	"target;"
	"tau;"
	"tbrk;"
	"tcaron;"
	"tcedil;"
	"tcy;"
	"tdot;"
	"telrec;"
	"tfr;"
	"there4;"
	"therefore;"
	"theta;"
	"thetasym;"
	"thetav;"
	"thickapprox;"
	"thicksim;"
	"thinsp;"
	"thkap;"
	"thksim;"
	"thorn"
	"thorn;"
	"tilde;"
	"times"
	"times;"
	"timesb;"
	"timesbar;"
	"timesd;"
	"tint;"
	"toea;"
	"top;"
	"topbot;"
	"topcir;"
	"topf;"
	"topfork;"
	"tosa;"
	"tprime;"
	"trade;"
	"triangle;"
	"triangledown;"
	"triangleleft;"
	"trianglelefteq;"
	"triangleq;"
	"triangleright;"
	"trianglerighteq;"
	"tridot;"
	"trie;"
	"triminus;"
	"triplus;"
	"trisb;"
	"tritime;"
	"trpezium;"
	"tscr;"
	"tscy;"
	"tshcy;"
	"tstrok;"
	"twixt;"
	"twoheadleftarrow;"
	"twoheadrightarrow;"
	"uArr;"
	"uHar;"
	"uacute"
	"uacute;"
	"uarr;"
	"ubrcy;"
	"ubreve;"
	"ucirc"
	"ucirc;"
	"ucy;"
	"udarr;"
	"udblac;"
	"udhar;"
	"ufisht;"
	"ufr;"
	"ugrave"
	"ugrave;"
	"uharl;"
	"uharr;"
	"uhblk;"
	"ulcorn;"
	"ulcorner;"
	"ulcrop;"
	"ultri;"
	"umacr;"
	"uml"
	"uml;"
	"uogon;"
	"uopf;"
	"uparrow;"
	"updownarrow;"
	"upharpoonleft;"
	"upharpoonright;"
	"uplus;"
	"upsi;"
	"upsih;"
	"upsilon;"
	"upuparrows;"
	"urcorn;"
	"urcorner;"
	"urcrop;"
	"uring;"
	"urtri;"
	"uscr;"
	"utdot;"
	"utilde;"
	"utri;"
	"utrif;"
	"uuarr;"
	"uuml"
	"uuml;"
	"uwangle;"
	"vArr;"
	"vBar;"
	"vBarv;"
	"vDash;"
	"vangrt;"
	"varepsilon;"
	"varkappa;"
	"varnothing;"
	"varphi;"
	"varpi;"
	"varpropto;"
	"varr;"
	"varrho;"
	"varsigma;"
	"varsubsetneq;"
	"varsubsetneqq;"
	"varsupsetneq;"
	"varsupsetneqq;"
	"vartheta;"
	"vartriangleleft;"
	"vartriangleright;"
	"vcy;"
	"vdash;"
	"vee;"
	"veebar;"
	"veeeq;"
	"vellip;"
	"verbar;"
	"vert;"
	"vfr;"
	"vltri;"
	"vnsub;"
	"vnsup;"
	"vopf;"
	"vprop;"
	"vrtri;"
	"vscr;"
	"vsubnE;"
	"vsubne;"
	"vsupnE;"
	"vsupne;"
	"vzigzag;"
	"wcirc;"
	"wedbar;"
	"wedge;"
	"wedgeq;"
	"weierp;"
	"wfr;"
	"wopf;"
	"wp;"
	"wr;"
	"wreath;"
	"wscr;"
	"xcap;"
	"xcirc;"
	"xcup;"
	"xdtri;"
	"xfr;"
	"xhArr;"
	"xharr;"
	"xi;"
	"xlArr;"
	"xlarr;"
	"xmap;"
	"xnis;"
	"xodot;"
	"xopf;"
	"xoplus;"
	"xotime;"
	"xrArr;"
	"xrarr;"
	"xscr;"
	"xsqcup;"
	"xuplus;"
	"xutri;"
	"xvee;"
	"xwedge;"
	"yacute"
	"yacute;"
	"yacy;"
	"ycirc;"
	"ycy;"
	"yen"
	"yen;"
	"yfr;"
	"yicy;"
	"yopf;"
	"yscr;"
	"yucy;"
	"yuml"
	"yuml;"
	"zacute;"
	"zcaron;"
	"zcy;"
	"zdot;"
	"zeetrf;"
	"zeta;"
	"zfr;"
	"zhcy;"
	"zigrarr;"
	"zopf;"
	"zscr;"
	"zwj;"
	"zwnj;"
	;

const struct html_entity html_entities[HTML_ENTITY_COUNT] = {
	{ 0, 5, 2, "\303\206" },
	{ 5, 6, 2, "\303\206" },
	{ 11, 3, 1, "\046" },
	{ 14, 4, 1, "\046" },
	{ 18, 6, 2, "\303\201" },
	{ 24, 7, 2, "\303\201" },
	{ 31, 7, 2, "\304\202" },
	{ 38, 5, 2, "\303\202" },
	{ 43, 6, 2, "\303\202" },
	{ 49, 4, 2, "\320\220" },
	{ 53, 4, 4, "\360\235\224\204" },
	{ 57, 6, 2, "\303\200" },
	{ 63, 7, 2, "\303\200" },
	{ 70, 6, 2, "\316\221" },
	{ 76, 6, 2, "\304\200" },
	{ 82, 4, 3, "\342\251\223" },
	{ 86, 6, 2, "\304\204" },
	{ 92, 5, 4, "\360\235\224\270" },
	{ 97, 14, 3, "\342\201\241" },
	{ 111, 5, 2, "\303\205" },
	{ 116, 6, 2, "\303\205" },
	{ 122, 5, 4, "\360\235\222\234" },
	{ 127, 7, 3, "\342\211\224" },
	{ 134, 6, 2, "\303\203" },
	{ 140, 7, 2, "\303\203" },
	{ 147, 4, 2, "\303\204" },
	{ 151, 5, 2, "\303\204" },
	{ 156, 10, 3, "\342\210\226" },
	{ 166, 5, 3, "\342\253\247" },
	{ 171, 7, 3, "\342\214\206" },
	{ 178, 4, 2, "\320\221" },
	{ 182, 8, 3, "\342\210\265" },
	{ 190, 11, 3, "\342\204\254" },
	{ 201, 5, 2, "\316\222" },
	{ 206, 4, 4, "\360\235\224\205" },
	{ 210, 5, 4, "\360\235\224\271" },
	{ 215, 6, 2, "\313\230" },
	{ 221, 5, 3, "\342\204\254" },
	{ 226, 7, 3, "\342\211\216" },
	{ 233, 5, 2, "\320\247" },
	{ 238, 4, 2, "\302\251" },
	{ 242, 5, 2, "\302\251" },
	{ 247, 7, 2, "\304\206" },
	{ 254, 4, 3, "\342\213\222" },
	{ 258, 21, 3, "\342\205\205" },
	{ 279, 8, 3, "\342\204\255" },
	{ 287, 7, 2, "\304\214" },
	{ 294, 6, 2, "\303\207" },
	{ 300, 7, 2, "\303\207" },
	{ 307, 6, 2, "\304\210" },
	{ 313, 8, 3, "\342\210\260" },
	{ 321, 5, 2, "\304\212" },
	{ 326, 8, 2, "\302\270" },
	{ 334, 10, 2, "\302\267" },
	{ 344, 4, 3, "\342\204\255" },
	{ 348, 4, 2, "\316\247" },
	{ 352, 10, 3, "\342\212\231" },
	{ 362, 12, 3, "\342\212\226" },
	{ 374, 11, 3, "\342\212\225" },
	{ 385, 12, 3, "\342\212\227" },
	{ 397, 25, 3, "\342\210\262" },
	{ 422, 22, 3, "\342\200\235" },
	{ 444, 16, 3, "\342\200\231" },
	{ 460, 6, 3, "\342\210\267" },
	{ 466, 7, 3, "\342\251\264" },
	{ 473, 10, 3, "\342\211\241" },
	{ 483, 7, 3, "\342\210\257" },
	{ 490, 16, 3, "\342\210\256" },
	{ 506, 5, 3, "\342\204\202" },
	{ 511, 10, 3, "\342\210\220" },
	{ 521, 32, 3, "\342\210\263" },
	{ 553, 6, 3, "\342\250\257" },
	{ 559, 5, 4, "\360\235\222\236" },
	{ 564, 4, 3, "\342\213\223" },
	{ 568, 7, 3, "\342\211\215" },
	{ 575, 3, 3, "\342\205\205" },
	{ 578, 9, 3, "\342\244\221" },
	{ 587, 5, 2, "\320\202" },
	{ 592, 5, 2, "\320\205" },
	{ 597, 5, 2, "\320\217" },
	{ 602, 7, 3, "\342\200\241" },
	{ 609, 5, 3, "\342\206\241" },
	{ 614, 6, 3, "\342\253\244" },
	{ 620, 7, 2, "\304\216" },
	{ 627, 4, 2, "\320\224" },
	{ 631, 4, 3, "\342\210\207" },
	{ 635, 6, 2, "\316\224" },
	{ 641, 4, 4, "\360\235\224\207" },
	{ 645, 17, 2, "\302\264" },
	{ 662, 15, 2, "\313\231" },
	{ 677, 23, 2, "\313\235" },
	{ 700, 17, 1, "\140" },
	{ 717, 17, 2, "\313\234" },
	{ 734, 8, 3, "\342\213\204" },
	{ 742, 14, 3, "\342\205\206" },
	{ 756, 5, 4, "\360\235\224\273" },
	{ 761, 4, 2, "\302\250" },
	{ 765, 7, 3, "\342\203\234" },
	{ 772, 9, 3, "\342\211\220" },
	{ 781, 22, 3, "\342\210\257" },
	{ 803, 10, 2, "\302\250" },
	{ 813, 16, 3, "\342\207\223" },
	{ 829, 16, 3, "\342\207\220" },
	{ 845, 21, 3, "\342\207\224" },
	{ 866, 14, 3, "\342\253\244" },
	{ 880, 20, 3, "\342\237\270" },
	{ 900, 25, 3, "\342\237\272" },
	{ 925, 21, 3, "\342\237\271" },
	{ 946, 17, 3, "\342\207\222" },
	{ 963, 15, 3, "\342\212\250" },
	{ 978, 14, 3, "\342\207\221" },
	{ 992, 18, 3, "\342\207\225" },
	{ 1010, 18, 3, "\342\210\245" },
	{ 1028, 10, 3, "\342\206\223" },
	{ 1038, 13, 3, "\342\244\223" },
	{ 1051, 17, 3, "\342\207\265" },
	{ 1068, 10, 2, "\314\221" },
	{ 1078, 20, 3, "\342\245\220" },
	{ 1098, 18, 3, "\342\245\236" },
	{ 1116, 15, 3, "\342\206\275" },
	{ 1131, 18, 3, "\342\245\226" },
	{ 1149, 19, 3, "\342\245\237" },
	{ 1168, 16, 3, "\342\207\201" },
	{ 1184, 19, 3, "\342\245\227" },
	{ 1203, 8, 3, "\342\212\244" },
	{ 1211, 13, 3, "\342\206\247" },
	{ 1224, 10, 3, "\342\207\223" },
	{ 1234, 5, 4, "\360\235\222\237" },
	{ 1239, 7, 2, "\304\220" },
	{ 1246, 4, 2, "\305\212" },
	{ 1250, 3, 2, "\303\220" },
	{ 1253, 4, 2, "\303\220" },
	{ 1257, 6, 2, "\303\211" },
	{ 1263, 7, 2, "\303\211" },
	{ 1270, 7, 2, "\304\232" },
	{ 1277, 5, 2, "\303\212" },
	{ 1282, 6, 2, "\303\212" },
	{ 1288, 4, 2, "\320\255" },
	{ 1292, 5, 2, "\304\226" },
	{ 1297, 4, 4, "\360\235\224\210" },
	{ 1301, 6, 2, "\303\210" },
	{ 1307, 7, 2, "\303\210" },
	{ 1314, 8, 3, "\342\210\210" },
	{ 1322, 6, 2, "\304\222" },
	{ 1328, 17, 3, "\342\227\273" },
	{ 1345, 21, 3, "\342\226\253" },
	{ 1366, 6, 2, "\304\230" },
	{ 1372, 5, 4, "\360\235\224\274" },
	{ 1377, 8, 2, "\316\225" },
	{ 1385, 6, 3, "\342\251\265" },
	{ 1391, 11, 3, "\342\211\202" },
	{ 1402, 12, 3, "\342\207\214" },
	{ 1414, 5, 3, "\342\204\260" },
	{ 1419, 5, 3, "\342\251\263" },
	{ 1424, 4, 2, "\316\227" },
	{ 1428, 4, 2, "\303\213" },
	{ 1432, 5, 2, "\303\213" },
	{ 1437, 7, 3, "\342\210\203" },
	{ 1444, 13, 3, "\342\205\207" },
	{ 1457, 4, 2, "\320\244" },
	{ 1461, 4, 4, "\360\235\224\211" },
	{ 1465, 18, 3, "\342\227\274" },
	{ 1483, 22, 3, "\342\226\252" },
	{ 1505, 5, 4, "\360\235\224\275" },
	{ 1510, 7, 3, "\342\210\200" },
	{ 1517, 11, 3, "\342\204\261" },
	{ 1528, 5, 3, "\342\204\261" },
	{ 1533, 5, 2, "\320\203" },
	{ 1538, 2, 1, "\076" },
	{ 1540, 3, 1, "\076" },
	{ 1543, 6, 2, "\316\223" },
	{ 1549, 7, 2, "\317\234" },
	{ 1556, 7, 2, "\304\236" },
	{ 1563, 7, 2, "\304\242" },
	{ 1570, 6, 2, "\304\234" },
	{ 1576, 4, 2, "\320\223" },
	{ 1580, 5, 2, "\304\240" },
	{ 1585, 4, 4, "\360\235\224\212" },
	{ 1589, 3, 3, "\342\213\231" },
	{ 1592, 5, 4, "\360\235\224\276" },
	{ 1597, 13, 3, "\342\211\245" },
	{ 1610, 17, 3, "\342\213\233" },
	{ 1627, 17, 3, "\342\211\247" },
	{ 1644, 15, 3, "\342\252\242" },
	{ 1659, 12, 3, "\342\211\267" },
	{ 1671, 18, 3, "\342\251\276" },
	{ 1689, 13, 3, "\342\211\263" },
	{ 1702, 5, 4, "\360\235\222\242" },
	{ 1707, 3, 3, "\342\211\253" },
	{ 1710, 7, 2, "\320\252" },
	{ 1717, 6, 2, "\313\207" },
	{ 1723, 4, 1, "\136" },
	{ 1727, 6, 2, "\304\244" },
	{ 1733, 4, 3, "\342\204\214" },
	{ 1737, 13, 3, "\342\204\213" },
	{ 1750, 5, 3, "\342\204\215" },
	{ 1755, 15, 3, "\342\224\200" },
	{ 1770, 5, 3, "\342\204\213" },
	{ 1775, 7, 2, "\304\246" },
	{ 1782, 13, 3, "\342\211\216" },
	{ 1795, 10, 3, "\342\211\217" },
	{ 1805, 5, 2, "\320\225" },
	{ 1810, 6, 2, "\304\262" },
	{ 1816, 5, 2, "\320\201" },
	{ 1821, 6, 2, "\303\215" },
	{ 1827, 7, 2, "\303\215" },
	{ 1834, 5, 2, "\303\216" },
	{ 1839, 6, 2, "\303\216" },
	{ 1845, 4, 2, "\320\230" },
	{ 1849, 5, 2, "\304\260" },
	{ 1854, 4, 3, "\342\204\221" },
	{ 1858, 6, 2, "\303\214" },
	{ 1864, 7, 2, "\303\214" },
	{ 1871, 3, 3, "\342\204\221" },
	{ 1874, 6, 2, "\304\252" },
	{ 1880, 11, 3, "\342\205\210" },
	{ 1891, 8, 3, "\342\207\222" },
	{ 1899, 4, 3, "\342\210\254" },
	{ 1903, 9, 3, "\342\210\253" },
	{ 1912, 13, 3, "\342\213\202" },
	{ 1925, 15, 3, "\342\201\243" },
	{ 1940, 15, 3, "\342\201\242" },
	{ 1955, 6, 2, "\304\256" },
	{ 1961, 5, 4, "\360\235\225\200" },
	{ 1966, 5, 2, "\316\231" },
	{ 1971, 5, 3, "\342\204\220" },
	{ 1976, 7, 2, "\304\250" },
	{ 1983, 6, 2, "\320\206" },
	{ 1989, 4, 2, "\303\217" },
	{ 1993, 5, 2, "\303\217" },
	{ 1998, 6, 2, "\304\264" },
	{ 2004, 4, 2, "\320\231" },
	{ 2008, 4, 4, "\360\235\224\215" },
	{ 2012, 5, 4, "\360\235\225\201" },
	{ 2017, 5, 4, "\360\235\222\245" },
	{ 2022, 7, 2, "\320\210" },
	{ 2029, 6, 2, "\320\204" },
	{ 2035, 5, 2, "\320\245" },
	{ 2040, 5, 2, "\320\214" },
	{ 2045, 6, 2, "\316\232" },
	{ 2051, 7, 2, "\304\266" },
	{ 2058, 4, 2, "\320\232" },
	{ 2062, 4, 4, "\360\235\224\216" },
	{ 2066, 5, 4, "\360\235\225\202" },
	{ 2071, 5, 4, "\360\235\222\246" },
	{ 2076, 5, 2, "\320\211" },
	{ 2081, 2, 1, "\074" },
	{ 2083, 3, 1, "\074" },
	{ 2086, 7, 2, "\304\271" },
	{ 2093, 7, 2, "\316\233" },
	{ 2100, 5, 3, "\342\237\252" },
	{ 2105, 11, 3, "\342\204\222" },
	{ 2116, 5, 3, "\342\206\236" },
	{ 2121, 7, 2, "\304\275" },
	{ 2128, 7, 2, "\304\273" },
	{ 2135, 4, 2, "\320\233" },
	{ 2139, 17, 3, "\342\237\250" },
	{ 2156, 10, 3, "\342\206\220" },
	{ 2166, 13, 3, "\342\207\244" },
	{ 2179, 20, 3, "\342\207\206" },
	{ 2199, 12, 3, "\342\214\210" },
	{ 2211, 18, 3, "\342\237\246" },
	{ 2229, 18, 3, "\342\245\241" },
	{ 2247, 15, 3, "\342\207\203" },
	{ 2262, 18, 3, "\342\245\231" },
	{ 2280, 10, 3, "\342\214\212" },
	{ 2290, 15, 3, "\342\206\224" },
	{ 2305, 16, 3, "\342\245\216" },
	{ 2321, 8, 3, "\342\212\243" },
	{ 2329, 13, 3, "\342\206\244" },
	{ 2342, 14, 3, "\342\245\232" },
	{ 2356, 13, 3, "\342\212\262" },
	{ 2369, 16, 3, "\342\247\217" },
	{ 2385, 18, 3, "\342\212\264" },
	{ 2403, 17, 3, "\342\245\221" },
	{ 2420, 16, 3, "\342\245\240" },
	{ 2436, 13, 3, "\342\206\277" },
	{ 2449, 16, 3, "\342\245\230" },
	{ 2465, 11, 3, "\342\206\274" },
	{ 2476, 14, 3, "\342\245\222" },
	{ 2490, 10, 3, "\342\207\220" },
	{ 2500, 15, 3, "\342\207\224" },
	{ 2515, 17, 3, "\342\213\232" },
	{ 2532, 14, 3, "\342\211\246" },
	{ 2546, 12, 3, "\342\211\266" },
	{ 2558, 9, 3, "\342\252\241" },
	{ 2567, 15, 3, "\342\251\275" },
	{ 2582, 10, 3, "\342\211\262" },
	{ 2592, 4, 4, "\360\235\224\217" },
	{ 2596, 3, 3, "\342\213\230" },
	{ 2599, 11, 3, "\342\207\232" },
	{ 2610, 7, 2, "\304\277" },
	{ 2617, 14, 3, "\342\237\265" },
	{ 2631, 19, 3, "\342\237\267" },
	{ 2650, 15, 3, "\342\237\266" },
	{ 2665, 14, 3, "\342\237\270" },
	{ 2679, 19, 3, "\342\237\272" },
	{ 2698, 15, 3, "\342\237\271" },
	{ 2713, 5, 4, "\360\235\225\203" },
	{ 2718, 15, 3, "\342\206\231" },
	{ 2733, 16, 3, "\342\206\230" },
	{ 2749, 5, 3, "\342\204\222" },
	{ 2754, 4, 3, "\342\206\260" },
	{ 2758, 7, 2, "\305\201" },
	{ 2765, 3, 3, "\342\211\252" },
	{ 2768, 4, 3, "\342\244\205" },
	{ 2772, 4, 2, "\320\234" },
	{ 2776, 12, 3, "\342\201\237" },
	{ 2788, 10, 3, "\342\204\263" },
	{ 2798, 4, 4, "\360\235\224\220" },
	{ 2802, 10, 3, "\342\210\223" },
	{ 2812, 5, 4, "\360\235\225\204" },
	{ 2817, 5, 3, "\342\204\263" },
	{ 2822, 3, 2, "\316\234" },
	{ 2825, 5, 2, "\320\212" },
	{ 2830, 7, 2, "\305\203" },
	{ 2837, 7, 2, "\305\207" },
	{ 2844, 7, 2, "\305\205" },
	{ 2851, 4, 2, "\320\235" },
	{ 2855, 20, 3, "\342\200\213" },
	{ 2875, 19, 3, "\342\200\213" },
	{ 2894, 18, 3, "\342\200\213" },
	{ 2912, 22, 3, "\342\200\213" },
	{ 2934, 21, 3, "\342\211\253" },
	{ 2955, 15, 3, "\342\211\252" },
	{ 2970, 8, 1, "\012" },
	{ 2978, 4, 4, "\360\235\224\221" },
	{ 2982, 8, 3, "\342\201\240" },
	{ 2990, 17, 2, "\302\240" },
	{ 3007, 5, 3, "\342\204\225" },
	{ 3012, 4, 3, "\342\253\254" },
	{ 3016, 13, 3, "\342\211\242" },
	{ 3029, 10, 3, "\342\211\255" },
	{ 3039, 21, 3, "\342\210\246" },
	{ 3060, 11, 3, "\342\210\211" },
	{ 3071, 9, 3, "\342\211\240" },
	{ 3080, 14, 5, "\342\211\202\314\270" },
	{ 3094, 10, 3, "\342\210\204" },
	{ 3104, 11, 3, "\342\211\257" },
	{ 3115, 16, 3, "\342\211\261" },
	{ 3131, 20, 5, "\342\211\247\314\270" },
	{ 3151, 18, 5, "\342\211\253\314\270" },
	{ 3169, 15, 3, "\342\211\271" },
	{ 3184, 21, 5, "\342\251\276\314\270" },
	{ 3205, 16, 3, "\342\211\265" },
	{ 3221, 16, 5, "\342\211\216\314\270" },
	{ 3237, 13, 5, "\342\211\217\314\270" },
	{ 3250, 16, 3, "\342\213\252" },
	{ 3266, 19, 5, "\342\247\217\314\270" },
	{ 3285, 21, 3, "\342\213\254" },
	{ 3306, 8, 3, "\342\211\256" },
	{ 3314, 13, 3, "\342\211\260" },
	{ 3327, 15, 3, "\342\211\270" },
	{ 3342, 12, 5, "\342\211\252\314\270" },
	{ 3354, 18, 5, "\342\251\275\314\270" },
	{ 3372, 13, 3, "\342\211\264" },
	{ 3385, 24, 5, "\342\252\242\314\270" },
	{ 3409, 18, 5, "\342\252\241\314\270" },
	{ 3427, 12, 3, "\342\212\200" },
	{ 3439, 17, 5, "\342\252\257\314\270" },
	{ 3456, 22, 3, "\342\213\240" },
	{ 3478, 18, 3, "\342\210\214" },
	{ 3496, 17, 3, "\342\213\253" },
	{ 3513, 20, 5, "\342\247\220\314\270" },
	{ 3533, 22, 3, "\342\213\255" },
	{ 3555, 16, 5, "\342\212\217\314\270" },
	{ 3571, 21, 3, "\342\213\242" },
	{ 3592, 18, 5, "\342\212\220\314\270" },
	{ 3610, 23, 3, "\342\213\243" },
	{ 3633, 10, 6, "\342\212\202\342\203\222" },
	{ 3643, 15, 3, "\342\212\210" },
	{ 3658, 12, 3, "\342\212\201" },
	{ 3670, 17, 5, "\342\252\260\314\270" },
	{ 3687, 22, 3, "\342\213\241" },
	{ 3709, 17, 5, "\342\211\277\314\270" },
	{ 3726, 12, 6, "\342\212\203\342\203\222" },
	{ 3738, 17, 3, "\342\212\211" },
	{ 3755, 9, 3, "\342\211\201" },
	{ 3764, 14, 3, "\342\211\204" },
	{ 3778, 18, 3, "\342\211\207" },
	{ 3796, 14, 3, "\342\211\211" },
	{ 3810, 15, 3, "\342\210\244" },
	{ 3825, 5, 4, "\360\235\222\251" },
	{ 3830, 6, 2, "\303\221" },
	{ 3836, 7, 2, "\303\221" },
	{ 3843, 3, 2, "\316\235" },
	{ 3846, 6, 2, "\305\222" },
	{ 3852, 6, 2, "\303\223" },
	{ 3858, 7, 2, "\303\223" },
	{ 3865, 5, 2, "\303\224" },
	{ 3870, 6, 2, "\303\224" },
	{ 3876, 4, 2, "\320\236" },
	{ 3880, 7, 2, "\305\220" },
	{ 3887, 4, 4, "\360\235\224\222" },
	{ 3891, 6, 2, "\303\222" },
	{ 3897, 7, 2, "\303\222" },
	{ 3904, 6, 2, "\305\214" },
	{ 3910, 6, 2, "\316\251" },
	{ 3916, 8, 2, "\316\237" },
	{ 3924, 5, 4, "\360\235\225\206" },
	{ 3929, 21, 3, "\342\200\234" },
	{ 3950, 15, 3, "\342\200\230" },
	{ 3965, 3, 3, "\342\251\224" },
	{ 3968, 5, 4, "\360\235\222\252" },
	{ 3973, 6, 2, "\303\230" },
	{ 3979, 7, 2, "\303\230" },
	{ 3986, 6, 2, "\303\225" },
	{ 3992, 7, 2, "\303\225" },
	{ 3999, 7, 3, "\342\250\267" },
	{ 4006, 4, 2, "\303\226" },
	{ 4010, 5, 2, "\303\226" },
	{ 4015, 8, 3, "\342\200\276" },
	{ 4023, 10, 3, "\342\217\236" },
	{ 4033, 12, 3, "\342\216\264" },
	{ 4045, 16, 3, "\342\217\234" },
	{ 4061, 9, 3, "\342\210\202" },
	{ 4070, 4, 2, "\320\237" },
	{ 4074, 4, 4, "\360\235\224\223" },
	{ 4078, 4, 2, "\316\246" },
	{ 4082, 3, 2, "\316\240" },
	{ 4085, 10, 2, "\302\261" },
	{ 4095, 14, 3, "\342\204\214" },
	{ 4109, 5, 3, "\342\204\231" },
	{ 4114, 3, 3, "\342\252\273" },
	{ 4117, 9, 3, "\342\211\272" },
	{ 4126, 14, 3, "\342\252\257" },
	{ 4140, 19, 3, "\342\211\274" },
	{ 4159, 14, 3, "\342\211\276" },
	{ 4173, 6, 3, "\342\200\263" },
	{ 4179, 8, 3, "\342\210\217" },
	{ 4187, 11, 3, "\342\210\267" },
	{ 4198, 13, 3, "\342\210\235" },
	{ 4211, 5, 4, "\360\235\222\253" },
	{ 4216, 4, 2, "\316\250" },
	{ 4220, 4, 1, "\042" },
	{ 4224, 5, 1, "\042" },
	{ 4229, 4, 4, "\360\235\224\224" },
	{ 4233, 5, 3, "\342\204\232" },
	{ 4238, 5, 4, "\360\235\222\254" },
	{ 4243, 6, 3, "\342\244\220" },
	{ 4249, 3, 2, "\302\256" },
	{ 4252, 4, 2, "\302\256" },
	{ 4256, 7, 2, "\305\224" },
	{ 4263, 5, 3, "\342\237\253" },
	{ 4268, 5, 3, "\342\206\240" },
	{ 4273, 7, 3, "\342\244\226" },
	{ 4280, 7, 2, "\305\230" },
	{ 4287, 7, 2, "\305\226" },
	{ 4294, 4, 2, "\320\240" },
	{ 4298, 3, 3, "\342\204\234" },
	{ 4301, 15, 3, "\342\210\213" },
	{ 4316, 19, 3, "\342\207\213" },
	{ 4335, 21, 3, "\342\245\257" },
	{ 4356, 4, 3, "\342\204\234" },
	{ 4360, 4, 2, "\316\241" },
	{ 4364, 18, 3, "\342\237\251" },
	{ 4382, 11, 3, "\342\206\222" },
	{ 4393, 14, 3, "\342\207\245" },
	{ 4407, 20, 3, "\342\207\204" },
	{ 4427, 13, 3, "\342\214\211" },
	{ 4440, 19, 3, "\342\237\247" },
	{ 4459, 19, 3, "\342\245\235" },
	{ 4478, 16, 3, "\342\207\202" },
	{ 4494, 19, 3, "\342\245\225" },
	{ 4513, 11, 3, "\342\214\213" },
	{ 4524, 9, 3, "\342\212\242" },
	{ 4533, 14, 3, "\342\206\246" },
	{ 4547, 15, 3, "\342\245\233" },
	{ 4562, 14, 3, "\342\212\263" },
	{ 4576, 17, 3, "\342\247\220" },
	{ 4593, 19, 3, "\342\212\265" },
	{ 4612, 18, 3, "\342\245\217" },
	{ 4630, 17, 3, "\342\245\234" },
	{ 4647, 14, 3, "\342\206\276" },
	{ 4661, 17, 3, "\342\245\224" },
	{ 4678, 12, 3, "\342\207\200" },
	{ 4690, 15, 3, "\342\245\223" },
	{ 4705, 11, 3, "\342\207\222" },
	{ 4716, 5, 3, "\342\204\235" },
	{ 4721, 13, 3, "\342\245\260" },
	{ 4734, 12, 3, "\342\207\233" },
	{ 4746, 5, 3, "\342\204\233" },
	{ 4751, 4, 3, "\342\206\261" },
	{ 4755, 12, 3, "\342\247\264" },
	{ 4767, 7, 2, "\320\251" },
	{ 4774, 5, 2, "\320\250" },
	{ 4779, 7, 2, "\320\254" },
	{ 4786, 7, 2, "\305\232" },
	{ 4793, 3, 3, "\342\252\274" },
	{ 4796, 7, 2, "\305\240" },
	{ 4803, 7, 2, "\305\236" },
	{ 4810, 6, 2, "\305\234" },
	{ 4816, 4, 2, "\320\241" },
	{ 4820, 4, 4, "\360\235\224\226" },
	{ 4824, 15, 3, "\342\206\223" },
	{ 4839, 15, 3, "\342\206\220" },
	{ 4854, 16, 3, "\342\206\222" },
	{ 4870, 13, 3, "\342\206\221" },
	{ 4883, 6, 2, "\316\243" },
	{ 4889, 12, 3, "\342\210\230" },
	{ 4901, 5, 4, "\360\235\225\212" },
	{ 4906, 5, 3, "\342\210\232" },
	{ 4911, 7, 3, "\342\226\241" },
	{ 4918, 19, 3, "\342\212\223" },
	{ 4937, 13, 3, "\342\212\217" },
	{ 4950, 18, 3, "\342\212\221" },
	{ 4968, 15, 3, "\342\212\220" },
	{ 4983, 20, 3, "\342\212\222" },
	{ 5003, 12, 3, "\342\212\224" },
	{ 5015, 5, 4, "\360\235\222\256" },
	{ 5020, 5, 3, "\342\213\206" },
	{ 5025, 4, 3, "\342\213\220" },
	{ 5029, 7, 3, "\342\213\220" },
	{ 5036, 12, 3, "\342\212\206" },
	{ 5048, 9, 3, "\342\211\273" },
	{ 5057, 14, 3, "\342\252\260" },
	{ 5071, 19, 3, "\342\211\275" },
	{ 5090, 14, 3, "\342\211\277" },
	{ 5104, 9, 3, "\342\210\213" },
	{ 5113, 4, 3, "\342\210\221" },
	{ 5117, 4, 3, "\342\213\221" },
	{ 5121, 9, 3, "\342\212\203" },
	{ 5130, 14, 3, "\342\212\207" },
	{ 5144, 7, 3, "\342\213\221" },
	{ 5151, 5, 2, "\303\236" },
	{ 5156, 6, 2, "\303\236" },
	{ 5162, 6, 3, "\342\204\242" },
	{ 5168, 6, 2, "\320\213" },
	{ 5174, 5, 2, "\320\246" },
	{ 5179, 4, 1, "\011" },
	{ 5183, 4, 2, "\316\244" },
	{ 5187, 7, 2, "\305\244" },
	{ 5194, 7, 2, "\305\242" },
	{ 5201, 4, 2, "\320\242" },
	{ 5205, 4, 4, "\360\235\224\227" },
	{ 5209, 10, 3, "\342\210\264" },
	{ 5219, 6, 2, "\316\230" },
	{ 5225, 11, 6, "\342\201\237\342\200\212" },
	{ 5236, 10, 3, "\342\200\211" },
	{ 5246, 6, 3, "\342\210\274" },
	{ 5252, 11, 3, "\342\211\203" },
	{ 5263, 15, 3, "\342\211\205" },
	{ 5278, 11, 3, "\342\211\210" },
	{ 5289, 5, 4, "\360\235\225\213" },
	{ 5294, 10, 3, "\342\203\233" },
	{ 5304, 5, 4, "\360\235\222\257" },
	{ 5309, 7, 2, "\305\246" },
	{ 5316, 6, 2, "\303\232" },
	{ 5322, 7, 2, "\303\232" },
	{ 5329, 5, 3, "\342\206\237" },
	{ 5334, 9, 3, "\342\245\211" },
	{ 5343, 6, 2, "\320\216" },
	{ 5349, 7, 2, "\305\254" },
	{ 5356, 5, 2, "\303\233" },
	{ 5361, 6, 2, "\303\233" },
	{ 5367, 4, 2, "\320\243" },
	{ 5371, 7, 2, "\305\260" },
	{ 5378, 4, 4, "\360\235\224\230" },
	{ 5382, 6, 2, "\303\231" },
	{ 5388, 7, 2, "\303\231" },
	{ 5395, 6, 2, "\305\252" },
	{ 5401, 9, 1, "\137" },
	{ 5410, 11, 3, "\342\217\237" },
	{ 5421, 13, 3, "\342\216\265" },
	{ 5434, 17, 3, "\342\217\235" },
	{ 5451, 6, 3, "\342\213\203" },
	{ 5457, 10, 3, "\342\212\216" },
	{ 5467, 6, 2, "\305\262" },
	{ 5473, 5, 4, "\360\235\225\214" },
	{ 5478, 8, 3, "\342\206\221" },
	{ 5486, 11, 3, "\342\244\222" },
	{ 5497, 17, 3, "\342\207\205" },
	{ 5514, 12, 3, "\342\206\225" },
	{ 5526, 14, 3, "\342\245\256" },
	{ 5540, 6, 3, "\342\212\245" },
	{ 5546, 11, 3, "\342\206\245" },
	{ 5557, 8, 3, "\342\207\221" },
	{ 5565, 12, 3, "\342\207\225" },
	{ 5577, 15, 3, "\342\206\226" },
	{ 5592, 16, 3, "\342\206\227" },
	{ 5608, 5, 2, "\317\222" },
	{ 5613, 8, 2, "\316\245" },
	{ 5621, 6, 2, "\305\256" },
	{ 5627, 5, 4, "\360\235\222\260" },
	{ 5632, 7, 2, "\305\250" },
	{ 5639, 4, 2, "\303\234" },
	{ 5643, 5, 2, "\303\234" },
	{ 5648, 6, 3, "\342\212\253" },
	{ 5654, 5, 3, "\342\253\253" },
	{ 5659, 4, 2, "\320\222" },
	{ 5663, 6, 3, "\342\212\251" },
	{ 5669, 7, 3, "\342\253\246" },
	{ 5676, 4, 3, "\342\213\201" },
	{ 5680, 7, 3, "\342\200\226" },
	{ 5687, 5, 3, "\342\200\226" },
	{ 5692, 12, 3, "\342\210\243" },
	{ 5704, 13, 1, "\174" },
	{ 5717, 18, 3, "\342\235\230" },
	{ 5735, 14, 3, "\342\211\200" },
	{ 5749, 14, 3, "\342\200\212" },
	{ 5763, 4, 4, "\360\235\224\231" },
	{ 5767, 5, 4, "\360\235\225\215" },
	{ 5772, 5, 4, "\360\235\222\261" },
	{ 5777, 7, 3, "\342\212\252" },
	{ 5784, 6, 2, "\305\264" },
	{ 5790, 6, 3, "\342\213\200" },
	{ 5796, 4, 4, "\360\235\224\232" },
	{ 5800, 5, 4, "\360\235\225\216" },
	{ 5805, 5, 4, "\360\235\222\262" },
	{ 5810, 4, 4, "\360\235\224\233" },
	{ 5814, 3, 2, "\316\236" },
	{ 5817, 5, 4, "\360\235\225\217" },
	{ 5822, 5, 4, "\360\235\222\263" },
	{ 5827, 5, 2, "\320\257" },
	{ 5832, 5, 2, "\320\207" },
	{ 5837, 5, 2, "\320\256" },
	{ 5842, 6, 2, "\303\235" },
	{ 5848, 7, 2, "\303\235" },
	{ 5855, 6, 2, "\305\266" },
	{ 5861, 4, 2, "\320\253" },
	{ 5865, 4, 4, "\360\235\224\234" },
	{ 5869, 5, 4, "\360\235\225\220" },
	{ 5874, 5, 4, "\360\235\222\264" },
	{ 5879, 5, 2, "\305\270" },
	{ 5884, 5, 2, "\320\226" },
	{ 5889, 7, 2, "\305\271" },
	{ 5896, 7, 2, "\305\275" },
	{ 5903, 4, 2, "\320\227" },
	{ 5907, 5, 2, "\305\273" },
	{ 5912, 15, 3, "\342\200\213" },
	{ 5927, 5, 2, "\316\226" },
	{ 5932, 4, 3, "\342\204\250" },
	{ 5936, 5, 3, "\342\204\244" },
	{ 5941, 5, 4, "\360\235\222\265" },
	{ 5946, 6, 2, "\303\241" },
	{ 5952, 7, 2, "\303\241" },
	{ 5959, 7, 2, "\304\203" },
	{ 5966, 3, 3, "\342\210\276" },
	{ 5969, 4, 5, "\342\210\276\314\263" },
	{ 5973, 4, 3, "\342\210\277" },
	{ 5977, 5, 2, "\303\242" },
	{ 5982, 6, 2, "\303\242" },
	{ 5988, 5, 2, "\302\264" },
	{ 5993, 6, 2, "\302\264" },
	{ 5999, 4, 2, "\320\260" },
	{ 6003, 5, 2, "\303\246" },
	{ 6008, 6, 2, "\303\246" },
	{ 6014, 3, 3, "\342\201\241" },
	{ 6017, 4, 4, "\360\235\224\236" },
	{ 6021, 6, 2, "\303\240" },
	{ 6027, 7, 2, "\303\240" },
	{ 6034, 8, 3, "\342\204\265" },
	{ 6042, 6, 3, "\342\204\265" },
	{ 6048, 6, 2, "\316\261" },
	{ 6054, 6, 2, "\304\201" },
	{ 6060, 6, 3, "\342\250\277" },
	{ 6066, 3, 1, "\046" },
	{ 6069, 4, 1, "\046" },
	{ 6073, 4, 3, "\342\210\247" },
	{ 6077, 7, 3, "\342\251\225" },
	{ 6084, 5, 3, "\342\251\234" },
	{ 6089, 9, 3, "\342\251\230" },
	{ 6098, 5, 3, "\342\251\232" },
	{ 6103, 4, 3, "\342\210\240" },
	{ 6107, 5, 3, "\342\246\244" },
	{ 6112, 6, 3, "\342\210\240" },
	{ 6118, 7, 3, "\342\210\241" },
	{ 6125, 9, 3, "\342\246\250" },
	{ 6134, 9, 3, "\342\246\251" },
	{ 6143, 9, 3, "\342\246\252" },
	{ 6152, 9, 3, "\342\246\253" },
	{ 6161, 9, 3, "\342\246\254" },
	{ 6170, 9, 3, "\342\246\255" },
	{ 6179, 9, 3, "\342\246\256" },
	{ 6188, 9, 3, "\342\246\257" },
	{ 6197, 6, 3, "\342\210\237" },
	{ 6203, 8, 3, "\342\212\276" },
	{ 6211, 9, 3, "\342\246\235" },
	{ 6220, 7, 3, "\342\210\242" },
	{ 6227, 6, 2, "\303\205" },
	{ 6233, 8, 3, "\342\215\274" },
	{ 6241, 6, 2, "\304\205" },
	{ 6247, 5, 4, "\360\235\225\222" },
	{ 6252, 3, 3, "\342\211\210" },
	{ 6255, 4, 3, "\342\251\260" },
	{ 6259, 7, 3, "\342\251\257" },
	{ 6266, 4, 3, "\342\211\212" },
	{ 6270, 5, 3, "\342\211\213" },
	{ 6275, 5, 1, "\047" },
	{ 6280, 7, 3, "\342\211\210" },
	{ 6287, 9, 3, "\342\211\212" },
	{ 6296, 5, 2, "\303\245" },
	{ 6301, 6, 2, "\303\245" },
	{ 6307, 5, 4, "\360\235\222\266" },
	{ 6312, 4, 1, "\052" },
	{ 6316, 6, 3, "\342\211\210" },
	{ 6322, 8, 3, "\342\211\215" },
	{ 6330, 6, 2, "\303\243" },
	{ 6336, 7, 2, "\303\243" },
	{ 6343, 4, 2, "\303\244" },
	{ 6347, 5, 2, "\303\244" },
	{ 6352, 9, 3, "\342\210\263" },
	{ 6361, 6, 3, "\342\250\221" },
	{ 6367, 5, 3, "\342\253\255" },
	{ 6372, 9, 3, "\342\211\214" },
	{ 6381, 12, 2, "\317\266" },
	{ 6393, 10, 3, "\342\200\265" },
	{ 6403, 8, 3, "\342\210\275" },
	{ 6411, 10, 3, "\342\213\215" },
	{ 6421, 7, 3, "\342\212\275" },
	{ 6428, 7, 3, "\342\214\205" },
	{ 6435, 9, 3, "\342\214\205" },
	{ 6444, 5, 3, "\342\216\265" },
	{ 6449, 9, 3, "\342\216\266" },
	{ 6458, 6, 3, "\342\211\214" },
	{ 6464, 4, 2, "\320\261" },
	{ 6468, 6, 3, "\342\200\236" },
	{ 6474, 7, 3, "\342\210\265" },
	{ 6481, 8, 3, "\342\210\265" },
	{ 6489, 8, 3, "\342\246\260" },
	{ 6497, 6, 2, "\317\266" },
	{ 6503, 7, 3, "\342\204\254" },
	{ 6510, 5, 2, "\316\262" },
	{ 6515, 5, 3, "\342\204\266" },
	{ 6520, 8, 3, "\342\211\254" },
	{ 6528, 4, 4, "\360\235\224\237" },
	{ 6532, 7, 3, "\342\213\202" },
	{ 6539, 8, 3, "\342\227\257" },
	{ 6547, 7, 3, "\342\213\203" },
	{ 6554, 8, 3, "\342\250\200" },
	{ 6562, 9, 3, "\342\250\201" },
	{ 6571, 10, 3, "\342\250\202" },
	{ 6581, 9, 3, "\342\250\206" },
	{ 6590, 8, 3, "\342\230\205" },
	{ 6598, 16, 3, "\342\226\275" },
	{ 6614, 14, 3, "\342\226\263" },
	{ 6628, 9, 3, "\342\250\204" },
	{ 6637, 7, 3, "\342\213\201" },
	{ 6644, 9, 3, "\342\213\200" },
	{ 6653, 7, 3, "\342\244\215" },
	{ 6660, 13, 3, "\342\247\253" },
	{ 6673, 12, 3, "\342\226\252" },
	{ 6685, 14, 3, "\342\226\264" },
	{ 6699, 18, 3, "\342\226\276" },
	{ 6717, 18, 3, "\342\227\202" },
	{ 6735, 19, 3, "\342\226\270" },
	{ 6754, 6, 3, "\342\220\243" },
	{ 6760, 6, 3, "\342\226\222" },
	{ 6766, 6, 3, "\342\226\221" },
	{ 6772, 6, 3, "\342\226\223" },
	{ 6778, 6, 3, "\342\226\210" },
	{ 6784, 4, 4, "\075\342\203\245" },
	{ 6788, 8, 6, "\342\211\241\342\203\245" },
	{ 6796, 5, 3, "\342\214\220" },
	{ 6801, 5, 4, "\360\235\225\223" },
	{ 6806, 4, 3, "\342\212\245" },
	{ 6810, 7, 3, "\342\212\245" },
	{ 6817, 7, 3, "\342\213\210" },
	{ 6824, 6, 3, "\342\225\227" },
	{ 6830, 6, 3, "\342\225\224" },
	{ 6836, 6, 3, "\342\225\226" },
	{ 6842, 6, 3, "\342\225\223" },
	{ 6848, 5, 3, "\342\225\220" },
	{ 6853, 6, 3, "\342\225\246" },
	{ 6859, 6, 3, "\342\225\251" },
	{ 6865, 6, 3, "\342\225\244" },
	{ 6871, 6, 3, "\342\225\247" },
	{ 6877, 6, 3, "\342\225\235" },
	{ 6883, 6, 3, "\342\225\232" },
	{ 6889, 6, 3, "\342\225\234" },
	{ 6895, 6, 3, "\342\225\231" },
	{ 6901, 5, 3, "\342\225\221" },
	{ 6906, 6, 3, "\342\225\254" },
	{ 6912, 6, 3, "\342\225\243" },
	{ 6918, 6, 3, "\342\225\240" },
	{ 6924, 6, 3, "\342\225\253" },
	{ 6930, 6, 3, "\342\225\242" },
	{ 6936, 6, 3, "\342\225\237" },
	{ 6942, 7, 3, "\342\247\211" },
	{ 6949, 6, 3, "\342\225\225" },
	{ 6955, 6, 3, "\342\225\222" },
	{ 6961, 6, 3, "\342\224\220" },
	{ 6967, 6, 3, "\342\224\214" },
	{ 6973, 5, 3, "\342\224\200" },
	{ 6978, 6, 3, "\342\225\245" },
	{ 6984, 6, 3, "\342\225\250" },
	{ 6990, 6, 3, "\342\224\254" },
	{ 6996, 6, 3, "\342\224\264" },
	{ 7002, 9, 3, "\342\212\237" },
	{ 7011, 8, 3, "\342\212\236" },
	{ 7019, 9, 3, "\342\212\240" },
	{ 7028, 6, 3, "\342\225\233" },
	{ 7034, 6, 3, "\342\225\230" },
	{ 7040, 6, 3, "\342\224\230" },
	{ 7046, 6, 3, "\342\224\224" },
	{ 7052, 5, 3, "\342\224\202" },
	{ 7057, 6, 3, "\342\225\252" },
	{ 7063, 6, 3, "\342\225\241" },
	{ 7069, 6, 3, "\342\225\236" },
	{ 7075, 6, 3, "\342\224\274" },
	{ 7081, 6, 3, "\342\224\244" },
	{ 7087, 6, 3, "\342\224\234" },
	{ 7093, 7, 3, "\342\200\265" },
	{ 7100, 6, 2, "\313\230" },
	{ 7106, 6, 2, "\302\246" },
	{ 7112, 7, 2, "\302\246" },
	{ 7119, 5, 4, "\360\235\222\267" },
	{ 7124, 6, 3, "\342\201\217" },
	{ 7130, 5, 3, "\342\210\275" },
	{ 7135, 6, 3, "\342\213\215" },
	{ 7141, 5, 1, "\134" },
	{ 7146, 6, 3, "\342\247\205" },
	{ 7152, 9, 3, "\342\237\210" },
	{ 7161, 5, 3, "\342\200\242" },
	{ 7166, 7, 3, "\342\200\242" },
	{ 7173, 5, 3, "\342\211\216" },
	{ 7178, 6, 3, "\342\252\256" },
	{ 7184, 6, 3, "\342\211\217" },
	{ 7190, 7, 3, "\342\211\217" },
	{ 7197, 7, 2, "\304\207" },
	{ 7204, 4, 3, "\342\210\251" },
	{ 7208, 7, 3, "\342\251\204" },
	{ 7215, 9, 3, "\342\251\211" },
	{ 7224, 7, 3, "\342\251\213" },
	{ 7231, 7, 3, "\342\251\207" },
	{ 7238, 7, 3, "\342\251\200" },
	{ 7245, 5, 6, "\342\210\251\357\270\200" },
	{ 7250, 6, 3, "\342\201\201" },
	{ 7256, 6, 2, "\313\207" },
	{ 7262, 6, 3, "\342\251\215" },
	{ 7268, 7, 2, "\304\215" },
	{ 7275, 6, 2, "\303\247" },
	{ 7281, 7, 2, "\303\247" },
	{ 7288, 6, 2, "\304\211" },
	{ 7294, 6, 3, "\342\251\214" },
	{ 7300, 8, 3, "\342\251\220" },
	{ 7308, 5, 2, "\304\213" },
	{ 7313, 5, 2, "\302\270" },
	{ 7318, 6, 2, "\302\270" },
	{ 7324, 8, 3, "\342\246\262" },
	{ 7332, 4, 2, "\302\242" },
	{ 7336, 5, 2, "\302\242" },
	{ 7341, 10, 2, "\302\267" },
	{ 7351, 4, 4, "\360\235\224\240" },
	{ 7355, 5, 2, "\321\207" },
	{ 7360, 6, 3, "\342\234\223" },
	{ 7366, 10, 3, "\342\234\223" },
	{ 7376, 4, 2, "\317\207" },
	{ 7380, 4, 3, "\342\227\213" },
	{ 7384, 5, 3, "\342\247\203" },
	{ 7389, 5, 2, "\313\206" },
	{ 7394, 7, 3, "\342\211\227" },
	{ 7401, 16, 3, "\342\206\272" },
	{ 7417, 17, 3, "\342\206\273" },
	{ 7434, 9, 2, "\302\256" },
	{ 7443, 9, 3, "\342\223\210" },
	{ 7452, 11, 3, "\342\212\233" },
	{ 7463, 12, 3, "\342\212\232" },
	{ 7475, 12, 3, "\342\212\235" },
	{ 7487, 5, 3, "\342\211\227" },
	{ 7492, 9, 3, "\342\250\220" },
	{ 7501, 7, 3, "\342\253\257" },
	{ 7508, 8, 3, "\342\247\202" },
	{ 7516, 6, 3, "\342\231\243" },
	{ 7522, 9, 3, "\342\231\243" },
	{ 7531, 6, 1, "\072" },
	{ 7537, 7, 3, "\342\211\224" },
	{ 7544, 8, 3, "\342\211\224" },
	{ 7552, 6, 1, "\054" },
	{ 7558, 7, 1, "\100" },
	{ 7565, 5, 3, "\342\210\201" },
	{ 7570, 7, 3, "\342\210\230" },
	{ 7577, 11, 3, "\342\210\201" },
	{ 7588, 10, 3, "\342\204\202" },
	{ 7598, 5, 3, "\342\211\205" },
	{ 7603, 8, 3, "\342\251\255" },
	{ 7611, 7, 3, "\342\210\256" },
	{ 7618, 5, 4, "\360\235\225\224" },
	{ 7623, 7, 3, "\342\210\220" },
	{ 7630, 4, 2, "\302\251" },
	{ 7634, 5, 2, "\302\251" },
	{ 7639, 7, 3, "\342\204\227" },
	{ 7646, 6, 3, "\342\206\265" },
	{ 7652, 6, 3, "\342\234\227" },
	{ 7658, 5, 4, "\360\235\222\270" },
	{ 7663, 5, 3, "\342\253\217" },
	{ 7668, 6, 3, "\342\253\221" },
	{ 7674, 5, 3, "\342\253\220" },
	{ 7679, 6, 3, "\342\253\222" },
	{ 7685, 6, 3, "\342\213\257" },
	{ 7691, 8, 3, "\342\244\270" },
	{ 7699, 8, 3, "\342\244\265" },
	{ 7707, 6, 3, "\342\213\236" },
	{ 7713, 6, 3, "\342\213\237" },
	{ 7719, 7, 3, "\342\206\266" },
	{ 7726, 8, 3, "\342\244\275" },
	{ 7734, 4, 3, "\342\210\252" },
	{ 7738, 9, 3, "\342\251\210" },
	{ 7747, 7, 3, "\342\251\206" },
	{ 7754, 7, 3, "\342\251\212" },
	{ 7761, 7, 3, "\342\212\215" },
	{ 7768, 6, 3, "\342\251\205" },
	{ 7774, 5, 6, "\342\210\252\357\270\200" },
	{ 7779, 7, 3, "\342\206\267" },
	{ 7786, 8, 3, "\342\244\274" },
	{ 7794, 12, 3, "\342\213\236" },
	{ 7806, 12, 3, "\342\213\237" },
	{ 7818, 9, 3, "\342\213\216" },
	{ 7827, 11, 3, "\342\213\217" },
	{ 7838, 6, 2, "\302\244" },
	{ 7844, 7, 2, "\302\244" },
	{ 7851, 15, 3, "\342\206\266" },
	{ 7866, 16, 3, "\342\206\267" },
	{ 7882, 6, 3, "\342\213\216" },
	{ 7888, 6, 3, "\342\213\217" },
	{ 7894, 9, 3, "\342\210\262" },
	{ 7903, 6, 3, "\342\210\261" },
	{ 7909, 7, 3, "\342\214\255" },
	{ 7916, 5, 3, "\342\207\223" },
	{ 7921, 5, 3, "\342\245\245" },
	{ 7926, 7, 3, "\342\200\240" },
	{ 7933, 7, 3, "\342\204\270" },
	{ 7940, 5, 3, "\342\206\223" },
	{ 7945, 5, 3, "\342\200\220" },
	{ 7950, 6, 3, "\342\212\243" },
	{ 7956, 8, 3, "\342\244\217" },
	{ 7964, 6, 2, "\313\235" },
	{ 7970, 7, 2, "\304\217" },
	{ 7977, 4, 2, "\320\264" },
	{ 7981, 3, 3, "\342\205\206" },
	{ 7984, 8, 3, "\342\200\241" },
	{ 7992, 6, 3, "\342\207\212" },
	{ 7998, 8, 3, "\342\251\267" },
	{ 8006, 3, 2, "\302\260" },
	{ 8009, 4, 2, "\302\260" },
	{ 8013, 6, 2, "\316\264" },
	{ 8019, 8, 3, "\342\246\261" },
	{ 8027, 7, 3, "\342\245\277" },
	{ 8034, 4, 4, "\360\235\224\241" },
	{ 8038, 6, 3, "\342\207\203" },
	{ 8044, 6, 3, "\342\207\202" },
	{ 8050, 5, 3, "\342\213\204" },
	{ 8055, 8, 3, "\342\213\204" },
	{ 8063, 12, 3, "\342\231\246" },
	{ 8075, 6, 3, "\342\231\246" },
	{ 8081, 4, 2, "\302\250" },
	{ 8085, 8, 2, "\317\235" },
	{ 8093, 6, 3, "\342\213\262" },
	{ 8099, 4, 2, "\303\267" },
	{ 8103, 6, 2, "\303\267" },
	{ 8109, 7, 2, "\303\267" },
	{ 8116, 14, 3, "\342\213\207" },
	{ 8130, 7, 3, "\342\213\207" },
	{ 8137, 5, 2, "\321\222" },
	{ 8142, 7, 3, "\342\214\236" },
	{ 8149, 7, 3, "\342\214\215" },
	{ 8156, 7, 1, "\044" },
	{ 8163, 5, 4, "\360\235\225\225" },
	{ 8168, 4, 2, "\313\231" },
	{ 8172, 6, 3, "\342\211\220" },
	{ 8178, 9, 3, "\342\211\221" },
	{ 8187, 9, 3, "\342\210\270" },
	{ 8196, 8, 3, "\342\210\224" },
	{ 8204, 10, 3, "\342\212\241" },
	{ 8214, 15, 3, "\342\214\206" },
	{ 8229, 10, 3, "\342\206\223" },
	{ 8239, 15, 3, "\342\207\212" },
	{ 8254, 16, 3, "\342\207\203" },
	{ 8270, 17, 3, "\342\207\202" },
	{ 8287, 9, 3, "\342\244\220" },
	{ 8296, 7, 3, "\342\214\237" },
	{ 8303, 7, 3, "\342\214\214" },
	{ 8310, 5, 4, "\360\235\222\271" },
	{ 8315, 5, 2, "\321\225" },
	{ 8320, 5, 3, "\342\247\266" },
	{ 8325, 7, 2, "\304\221" },
	{ 8332, 6, 3, "\342\213\261" },
	{ 8338, 5, 3, "\342\226\277" },
	{ 8343, 6, 3, "\342\226\276" },
	{ 8349, 6, 3, "\342\207\265" },
	{ 8355, 6, 3, "\342\245\257" },
	{ 8361, 8, 3, "\342\246\246" },
	{ 8369, 5, 2, "\321\237" },
	{ 8374, 9, 3, "\342\237\277" },
	{ 8383, 6, 3, "\342\251\267" },
	{ 8389, 5, 3, "\342\211\221" },
	{ 8394, 6, 2, "\303\251" },
	{ 8400, 7, 2, "\303\251" },
	{ 8407, 7, 3, "\342\251\256" },
	{ 8414, 7, 2, "\304\233" },
	{ 8421, 5, 3, "\342\211\226" },
	{ 8426, 5, 2, "\303\252" },
	{ 8431, 6, 2, "\303\252" },
	{ 8437, 7, 3, "\342\211\225" },
	{ 8444, 4, 2, "\321\215" },
	{ 8448, 5, 2, "\304\227" },
	{ 8453, 3, 3, "\342\205\207" },
	{ 8456, 6, 3, "\342\211\222" },
	{ 8462, 4, 4, "\360\235\224\242" },
	{ 8466, 3, 3, "\342\252\232" },
	{ 8469, 6, 2, "\303\250" },
	{ 8475, 7, 2, "\303\250" },
	{ 8482, 4, 3, "\342\252\226" },
	{ 8486, 7, 3, "\342\252\230" },
	{ 8493, 3, 3, "\342\252\231" },
	{ 8496, 9, 3, "\342\217\247" },
	{ 8505, 4, 3, "\342\204\223" },
	{ 8509, 4, 3, "\342\252\225" },
	{ 8513, 7, 3, "\342\252\227" },
	{ 8520, 6, 2, "\304\223" },
	{ 8526, 6, 3, "\342\210\205" },
	{ 8532, 9, 3, "\342\210\205" },
	{ 8541, 7, 3, "\342\210\205" },
	{ 8548, 7, 3, "\342\200\204" },
	{ 8555, 7, 3, "\342\200\205" },
	{ 8562, 5, 3, "\342\200\203" },
	{ 8567, 4, 2, "\305\213" },
	{ 8571, 5, 3, "\342\200\202" },
	{ 8576, 6, 2, "\304\231" },
	{ 8582, 5, 4, "\360\235\225\226" },
	{ 8587, 5, 3, "\342\213\225" },
	{ 8592, 7, 3, "\342\247\243" },
	{ 8599, 6, 3, "\342\251\261" },
	{ 8605, 5, 2, "\316\265" },
	{ 8610, 8, 2, "\316\265" },
	{ 8618, 6, 2, "\317\265" },
	{ 8624, 7, 3, "\342\211\226" },
	{ 8631, 8, 3, "\342\211\225" },
	{ 8639, 6, 3, "\342\211\202" },
	{ 8645, 11, 3, "\342\252\226" },
	{ 8656, 12, 3, "\342\252\225" },
	{ 8668, 7, 1, "\075" },
	{ 8675, 7, 3, "\342\211\237" },
	{ 8682, 6, 3, "\342\211\241" },
	{ 8688, 8, 3, "\342\251\270" },
	{ 8696, 9, 3, "\342\247\245" },
	{ 8705, 6, 3, "\342\211\223" },
	{ 8711, 6, 3, "\342\245\261" },
	{ 8717, 5, 3, "\342\204\257" },
	{ 8722, 6, 3, "\342\211\220" },
	{ 8728, 5, 3, "\342\211\202" },
	{ 8733, 4, 2, "\316\267" },
	{ 8737, 3, 2, "\303\260" },
	{ 8740, 4, 2, "\303\260" },
	{ 8744, 4, 2, "\303\253" },
	{ 8748, 5, 2, "\303\253" },
	{ 8753, 5, 3, "\342\202\254" },
	{ 8758, 5, 1, "\041" },
	{ 8763, 6, 3, "\342\210\203" },
	{ 8769, 12, 3, "\342\204\260" },
	{ 8781, 13, 3, "\342\205\207" },
	{ 8794, 14, 3, "\342\211\222" },
	{ 8808, 4, 2, "\321\204" },
	{ 8812, 7, 3, "\342\231\200" },
	{ 8819, 7, 3, "\357\254\203" },
	{ 8826, 6, 3, "\357\254\200" },
	{ 8832, 7, 3, "\357\254\204" },
	{ 8839, 4, 4, "\360\235\224\243" },
	{ 8843, 6, 3, "\357\254\201" },
	{ 8849, 6, 2, "\146\152" },
	{ 8855, 5, 3, "\342\231\255" },
	{ 8860, 6, 3, "\357\254\202" },
	{ 8866, 6, 3, "\342\226\261" },
	{ 8872, 5, 2, "\306\222" },
	{ 8877, 5, 4, "\360\235\225\227" },
	{ 8882, 7, 3, "\342\210\200" },
	{ 8889, 5, 3, "\342\213\224" },
	{ 8894, 6, 3, "\342\253\231" },
	{ 8900, 9, 3, "\342\250\215" },
	{ 8909, 6, 2, "\302\275" },
	{ 8915, 7, 2, "\302\275" },
	{ 8922, 7, 3, "\342\205\223" },
	{ 8929, 6, 2, "\302\274" },
	{ 8935, 7, 2, "\302\274" },
	{ 8942, 7, 3, "\342\205\225" },
	{ 8949, 7, 3, "\342\205\231" },
	{ 8956, 7, 3, "\342\205\233" },
	{ 8963, 7, 3, "\342\205\224" },
	{ 8970, 7, 3, "\342\205\226" },
	{ 8977, 6, 2, "\302\276" },
	{ 8983, 7, 2, "\302\276" },
	{ 8990, 7, 3, "\342\205\227" },
	{ 8997, 7, 3, "\342\205\234" },
	{ 9004, 7, 3, "\342\205\230" },
	{ 9011, 7, 3, "\342\205\232" },
	{ 9018, 7, 3, "\342\205\235" },
	{ 9025, 7, 3, "\342\205\236" },
	{ 9032, 6, 3, "\342\201\204" },
	{ 9038, 6, 3, "\342\214\242" },
	{ 9044, 5, 4, "\360\235\222\273" },
	{ 9049, 3, 3, "\342\211\247" },
	{ 9052, 4, 3, "\342\252\214" },
	{ 9056, 7, 2, "\307\265" },
	{ 9063, 6, 2, "\316\263" },
	{ 9069, 7, 2, "\317\235" },
	{ 9076, 4, 3, "\342\252\206" },
	{ 9080, 7, 2, "\304\237" },
	{ 9087, 6, 2, "\304\235" },
	{ 9093, 4, 2, "\320\263" },
	{ 9097, 5, 2, "\304\241" },
	{ 9102, 3, 3, "\342\211\245" },
	{ 9105, 4, 3, "\342\213\233" },
	{ 9109, 4, 3, "\342\211\245" },
	{ 9113, 5, 3, "\342\211\247" },
	{ 9118, 9, 3, "\342\251\276" },
	{ 9127, 4, 3, "\342\251\276" },
	{ 9131, 6, 3, "\342\252\251" },
	{ 9137, 7, 3, "\342\252\200" },
	{ 9144, 8, 3, "\342\252\202" },
	{ 9152, 9, 3, "\342\252\204" },
	{ 9161, 5, 6, "\342\213\233\357\270\200" },
	{ 9166, 7, 3, "\342\252\224" },
	{ 9173, 4, 4, "\360\235\224\244" },
	{ 9177, 3, 3, "\342\211\253" },
	{ 9180, 4, 3, "\342\213\231" },
	{ 9184, 6, 3, "\342\204\267" },
	{ 9190, 5, 2, "\321\223" },
	{ 9195, 3, 3, "\342\211\267" },
	{ 9198, 4, 3, "\342\252\222" },
	{ 9202, 4, 3, "\342\252\245" },
	{ 9206, 4, 3, "\342\252\244" },
	{ 9210, 4, 3, "\342\211\251" },
	{ 9214, 5, 3, "\342\252\212" },
	{ 9219, 9, 3, "\342\252\212" },
	{ 9228, 4, 3, "\342\252\210" },
	{ 9232, 5, 3, "\342\252\210" },
	{ 9237, 6, 3, "\342\211\251" },
	{ 9243, 6, 3, "\342\213\247" },
	{ 9249, 5, 4, "\360\235\225\230" },
	{ 9254, 6, 1, "\140" },
	{ 9260, 5, 3, "\342\204\212" },
	{ 9265, 5, 3, "\342\211\263" },
	{ 9270, 6, 3, "\342\252\216" },
	{ 9276, 6, 3, "\342\252\220" },
	{ 9282, 2, 1, "\076" },
	{ 9284, 3, 1, "\076" },
	{ 9287, 5, 3, "\342\252\247" },
	{ 9292, 6, 3, "\342\251\272" },
	{ 9298, 6, 3, "\342\213\227" },
	{ 9304, 7, 3, "\342\246\225" },
	{ 9311, 8, 3, "\342\251\274" },
	{ 9319, 10, 3, "\342\252\206" },
	{ 9329, 7, 3, "\342\245\270" },
	{ 9336, 7, 3, "\342\213\227" },
	{ 9343, 10, 3, "\342\213\233" },
	{ 9353, 11, 3, "\342\252\214" },
	{ 9364, 8, 3, "\342\211\267" },
	{ 9372, 7, 3, "\342\211\263" },
	{ 9379, 10, 6, "\342\211\251\357\270\200" },
	{ 9389, 5, 6, "\342\211\251\357\270\200" },
	{ 9394, 5, 3, "\342\207\224" },
	{ 9399, 7, 3, "\342\200\212" },
	{ 9406, 5, 2, "\302\275" },
	{ 9411, 7, 3, "\342\204\213" },
	{ 9418, 7, 2, "\321\212" },
	{ 9425, 5, 3, "\342\206\224" },
	{ 9430, 8, 3, "\342\245\210" },
	{ 9438, 6, 3, "\342\206\255" },
	{ 9444, 5, 3, "\342\204\217" },
	{ 9449, 6, 2, "\304\245" },
	{ 9455, 7, 3, "\342\231\245" },
	{ 9462, 10, 3, "\342\231\245" },
	{ 9472, 7, 3, "\342\200\246" },
	{ 9479, 7, 3, "\342\212\271" },
	{ 9486, 4, 4, "\360\235\224\245" },
	{ 9490, 9, 3, "\342\244\245" },
	{ 9499, 9, 3, "\342\244\246" },
	{ 9508, 6, 3, "\342\207\277" },
	{ 9514, 7, 3, "\342\210\273" },
	{ 9521, 14, 3, "\342\206\251" },
	{ 9535, 15, 3, "\342\206\252" },
	{ 9550, 5, 4, "\360\235\225\231" },
	{ 9555, 7, 3, "\342\200\225" },
	{ 9562, 5, 4, "\360\235\222\275" },
	{ 9567, 7, 3, "\342\204\217" },
	{ 9574, 7, 2, "\304\247" },
	{ 9581, 7, 3, "\342\201\203" },
	{ 9588, 7, 3, "\342\200\220" },
	{ 9595, 6, 2, "\303\255" },
	{ 9601, 7, 2, "\303\255" },
	{ 9608, 3, 3, "\342\201\243" },
	{ 9611, 5, 2, "\303\256" },
	{ 9616, 6, 2, "\303\256" },
	{ 9622, 4, 2, "\320\270" },
	{ 9626, 5, 2, "\320\265" },
	{ 9631, 5, 2, "\302\241" },
	{ 9636, 6, 2, "\302\241" },
	{ 9642, 4, 3, "\342\207\224" },
	{ 9646, 4, 4, "\360\235\224\246" },
	{ 9650, 6, 2, "\303\254" },
	{ 9656, 7, 2, "\303\254" },
	{ 9663, 3, 3, "\342\205\210" },
	{ 9666, 7, 3, "\342\250\214" },
	{ 9673, 6, 3, "\342\210\255" },
	{ 9679, 7, 3, "\342\247\234" },
	{ 9686, 6, 3, "\342\204\251" },
	{ 9692, 6, 2, "\304\263" },
	{ 9698, 6, 2, "\304\253" },
	{ 9704, 6, 3, "\342\204\221" },
	{ 9710, 9, 3, "\342\204\220" },
	{ 9719, 9, 3, "\342\204\221" },
	{ 9728, 6, 2, "\304\261" },
	{ 9734, 5, 3, "\342\212\267" },
	{ 9739, 6, 2, "\306\265" },
	{ 9745, 3, 3, "\342\210\210" },
	{ 9748, 7, 3, "\342\204\205" },
	{ 9755, 6, 3, "\342\210\236" },
	{ 9761, 9, 3, "\342\247\235" },
	{ 9770, 7, 2, "\304\261" },
	{ 9777, 4, 3, "\342\210\253" },
	{ 9781, 7, 3, "\342\212\272" },
	{ 9788, 9, 3, "\342\204\244" },
	{ 9797, 9, 3, "\342\212\272" },
	{ 9806, 9, 3, "\342\250\227" },
	{ 9815, 8, 3, "\342\250\274" },
	{ 9823, 5, 2, "\321\221" },
	{ 9828, 6, 2, "\304\257" },
	{ 9834, 5, 4, "\360\235\225\232" },
	{ 9839, 5, 2, "\316\271" },
	{ 9844, 6, 3, "\342\250\274" },
	{ 9850, 6, 2, "\302\277" },
	{ 9856, 7, 2, "\302\277" },
	{ 9863, 5, 4, "\360\235\222\276" },
	{ 9868, 5, 3, "\342\210\210" },
	{ 9873, 6, 3, "\342\213\271" },
	{ 9879, 8, 3, "\342\213\265" },
	{ 9887, 6, 3, "\342\213\264" },
	{ 9893, 7, 3, "\342\213\263" },
	{ 9900, 6, 3, "\342\210\210" },
	{ 9906, 3, 3, "\342\201\242" },
	{ 9909, 7, 2, "\304\251" },
	{ 9916, 6, 2, "\321\226" },
	{ 9922, 4, 2, "\303\257" },
	{ 9926, 5, 2, "\303\257" },
	{ 9931, 6, 2, "\304\265" },
	{ 9937, 4, 2, "\320\271" },
	{ 9941, 4, 4, "\360\235\224\247" },
	{ 9945, 6, 2, "\310\267" },
	{ 9951, 5, 4, "\360\235\225\233" },
	{ 9956, 5, 4, "\360\235\222\277" },
	{ 9961, 7, 2, "\321\230" },
	{ 9968, 6, 2, "\321\224" },
	{ 9974, 6, 2, "\316\272" },
	{ 9980, 7, 2, "\317\260" },
	{ 9987, 7, 2, "\304\267" },
	{ 9994, 4, 2, "\320\272" },
	{ 9998, 4, 4, "\360\235\224\250" },
	{ 10002, 7, 2, "\304\270" },
	{ 10009, 5, 2, "\321\205" },
	{ 10014, 5, 2, "\321\234" },
	{ 10019, 5, 4, "\360\235\225\234" },
	{ 10024, 5, 4, "\360\235\223\200" },
	{ 10029, 6, 3, "\342\207\232" },
	{ 10035, 5, 3, "\342\207\220" },
	{ 10040, 7, 3, "\342\244\233" },
	{ 10047, 6, 3, "\342\244\216" },
	{ 10053, 3, 3, "\342\211\246" },
	{ 10056, 4, 3, "\342\252\213" },
	{ 10060, 5, 3, "\342\245\242" },
	{ 10065, 7, 2, "\304\272" },
	{ 10072, 9, 3, "\342\246\264" },
	{ 10081, 7, 3, "\342\204\222" },
	{ 10088, 7, 2, "\316\273" },
	{ 10095, 5, 3, "\342\237\250" },
	{ 10100, 6, 3, "\342\246\221" },
	{ 10106, 7, 3, "\342\237\250" },
	{ 10113, 4, 3, "\342\252\205" },
	{ 10117, 5, 2, "\302\253" },
	{ 10122, 6, 2, "\302\253" },
	{ 10128, 5, 3, "\342\206\220" },
	{ 10133, 6, 3, "\342\207\244" },
	{ 10139, 8, 3, "\342\244\237" },
	{ 10147, 7, 3, "\342\244\235" },
	{ 10154, 7, 3, "\342\206\251" },
	{ 10161, 7, 3, "\342\206\253" },
	{ 10168, 7, 3, "\342\244\271" },
	{ 10175, 8, 3, "\342\245\263" },
	{ 10183, 7, 3, "\342\206\242" },
	{ 10190, 4, 3, "\342\252\253" },
	{ 10194, 7, 3, "\342\244\231" },
	{ 10201, 5, 3, "\342\252\255" },
	{ 10206, 6, 6, "\342\252\255\357\270\200" },
	{ 10212, 6, 3, "\342\244\214" },
	{ 10218, 6, 3, "\342\235\262" },
	{ 10224, 7, 1, "\173" },
	{ 10231, 7, 1, "\133" },
	{ 10238, 6, 3, "\342\246\213" },
	{ 10244, 8, 3, "\342\246\217" },
	{ 10252, 8, 3, "\342\246\215" },
	{ 10260, 7, 2, "\304\276" },
	{ 10267, 7, 2, "\304\274" },
	{ 10274, 6, 3, "\342\214\210" },
	{ 10280, 5, 1, "\173" },
	{ 10285, 4, 2, "\320\273" },
	{ 10289, 5, 3, "\342\244\266" },
	{ 10294, 6, 3, "\342\200\234" },
	{ 10300, 7, 3, "\342\200\236" },
	{ 10307, 8, 3, "\342\245\247" },
	{ 10315, 9, 3, "\342\245\213" },
	{ 10324, 5, 3, "\342\206\262" },
	{ 10329, 3, 3, "\342\211\244" },
	{ 10332, 10, 3, "\342\206\220" },
	{ 10342, 14, 3, "\342\206\242" },
	{ 10356, 16, 3, "\342\206\275" },
	{ 10372, 14, 3, "\342\206\274" },
	{ 10386, 15, 3, "\342\207\207" },
	{ 10401, 15, 3, "\342\206\224" },
	{ 10416, 16, 3, "\342\207\206" },
	{ 10432, 18, 3, "\342\207\213" },
	{ 10450, 20, 3, "\342\206\255" },
	{ 10470, 15, 3, "\342\213\213" },
	{ 10485, 4, 3, "\342\213\232" },
	{ 10489, 4, 3, "\342\211\244" },
	{ 10493, 5, 3, "\342\211\246" },
	{ 10498, 9, 3, "\342\251\275" },
	{ 10507, 4, 3, "\342\251\275" },
	{ 10511, 6, 3, "\342\252\250" },
	{ 10517, 7, 3, "\342\251\277" },
	{ 10524, 8, 3, "\342\252\201" },
	{ 10532, 9, 3, "\342\252\203" },
	{ 10541, 5, 6, "\342\213\232\357\270\200" },
	{ 10546, 7, 3, "\342\252\223" },
	{ 10553, 11, 3, "\342\252\205" },
	{ 10564, 8, 3, "\342\213\226" },
	{ 10572, 10, 3, "\342\213\232" },
	{ 10582, 11, 3, "\342\252\213" },
	{ 10593, 8, 3, "\342\211\266" },
	{ 10601, 8, 3, "\342\211\262" },
	{ 10609, 7, 3, "\342\245\274" },
	{ 10616, 7, 3, "\342\214\212" },
	{ 10623, 4, 4, "\360\235\224\251" },
	{ 10627, 3, 3, "\342\211\266" },
	{ 10630, 4, 3, "\342\252\221" },
	{ 10634, 6, 3, "\342\206\275" },
	{ 10640, 6, 3, "\342\206\274" },
	{ 10646, 7, 3, "\342\245\252" },
	{ 10653, 6, 3, "\342\226\204" },
	{ 10659, 5, 2, "\321\231" },
	{ 10664, 3, 3, "\342\211\252" },
	{ 10667, 6, 3, "\342\207\207" },
	{ 10673, 9, 3, "\342\214\236" },
	{ 10682, 7, 3, "\342\245\253" },
	{ 10689, 6, 3, "\342\227\272" },
	{ 10695, 7, 2, "\305\200" },
	{ 10702, 7, 3, "\342\216\260" },
	{ 10709, 11, 3, "\342\216\260" },
	{ 10720, 4, 3, "\342\211\250" },
	{ 10724, 5, 3, "\342\252\211" },
	{ 10729, 9, 3, "\342\252\211" },
	{ 10738, 4, 3, "\342\252\207" },
	{ 10742, 5, 3, "\342\252\207" },
	{ 10747, 6, 3, "\342\211\250" },
	{ 10753, 6, 3, "\342\213\246" },
	{ 10759, 6, 3, "\342\237\254" },
	{ 10765, 6, 3, "\342\207\275" },
	{ 10771, 6, 3, "\342\237\246" },
	{ 10777, 14, 3, "\342\237\265" },
	{ 10791, 19, 3, "\342\237\267" },
	{ 10810, 11, 3, "\342\237\274" },
	{ 10821, 15, 3, "\342\237\266" },
	{ 10836, 14, 3, "\342\206\253" },
	{ 10850, 15, 3, "\342\206\254" },
	{ 10865, 6, 3, "\342\246\205" },
	{ 10871, 5, 4, "\360\235\225\235" },
	{ 10876, 7, 3, "\342\250\255" },
	{ 10883, 8, 3, "\342\250\264" },
	{ 10891, 7, 3, "\342\210\227" },
	{ 10898, 7, 1, "\137" },
	{ 10905, 4, 3, "\342\227\212" },
	{ 10909, 8, 3, "\342\227\212" },
	{ 10917, 5, 3, "\342\247\253" },
	{ 10922, 5, 1, "\050" },
	{ 10927, 7, 3, "\342\246\223" },
	{ 10934, 6, 3, "\342\207\206" },
	{ 10940, 9, 3, "\342\214\237" },
	{ 10949, 6, 3, "\342\207\213" },
	{ 10955, 7, 3, "\342\245\255" },
	{ 10962, 4, 3, "\342\200\216" },
	{ 10966, 6, 3, "\342\212\277" },
	{ 10972, 7, 3, "\342\200\271" },
	{ 10979, 5, 4, "\360\235\223\201" },
	{ 10984, 4, 3, "\342\206\260" },
	{ 10988, 5, 3, "\342\211\262" },
	{ 10993, 6, 3, "\342\252\215" },
	{ 10999, 6, 3, "\342\252\217" },
	{ 11005, 5, 1, "\133" },
	{ 11010, 6, 3, "\342\200\230" },
	{ 11016, 7, 3, "\342\200\232" },
	{ 11023, 7, 2, "\305\202" },
	{ 11030, 2, 1, "\074" },
	{ 11032, 3, 1, "\074" },
	{ 11035, 5, 3, "\342\252\246" },
	{ 11040, 6, 3, "\342\251\271" },
	{ 11046, 6, 3, "\342\213\226" },
	{ 11052, 7, 3, "\342\213\213" },
	{ 11059, 7, 3, "\342\213\211" },
	{ 11066, 7, 3, "\342\245\266" },
	{ 11073, 8, 3, "\342\251\273" },
	{ 11081, 7, 3, "\342\246\226" },
	{ 11088, 5, 3, "\342\227\203" },
	{ 11093, 6, 3, "\342\212\264" },
	{ 11099, 6, 3, "\342\227\202" },
	{ 11105, 9, 3, "\342\245\212" },
	{ 11114, 8, 3, "\342\245\246" },
	{ 11122, 10, 6, "\342\211\250\357\270\200" },
	{ 11132, 5, 6, "\342\211\250\357\270\200" },
	{ 11137, 6, 3, "\342\210\272" },
	{ 11143, 4, 2, "\302\257" },
	{ 11147, 5, 2, "\302\257" },
	{ 11152, 5, 3, "\342\231\202" },
	{ 11157, 5, 3, "\342\234\240" },
	{ 11162, 8, 3, "\342\234\240" },
	{ 11170, 4, 3, "\342\206\246" },
	{ 11174, 7, 3, "\342\206\246" },
	{ 11181, 11, 3, "\342\206\247" },
	{ 11192, 11, 3, "\342\206\244" },
	{ 11203, 9, 3, "\342\206\245" },
	{ 11212, 7, 3, "\342\226\256" },
	{ 11219, 7, 3, "\342\250\251" },
	{ 11226, 4, 2, "\320\274" },
	{ 11230, 6, 3, "\342\200\224" },
	{ 11236, 14, 3, "\342\210\241" },
	{ 11250, 4, 4, "\360\235\224\252" },
	{ 11254, 4, 3, "\342\204\247" },
	{ 11258, 5, 2, "\302\265" },
	{ 11263, 6, 2, "\302\265" },
	{ 11269, 4, 3, "\342\210\243" },
	{ 11273, 7, 1, "\052" },
	{ 11280, 7, 3, "\342\253\260" },
	{ 11287, 6, 2, "\302\267" },
	{ 11293, 7, 2, "\302\267" },
	{ 11300, 6, 3, "\342\210\222" },
	{ 11306, 7, 3, "\342\212\237" },
	{ 11313, 7, 3, "\342\210\270" },
	{ 11320, 8, 3, "\342\250\252" },
	{ 11328, 5, 3, "\342\253\233" },
	{ 11333, 5, 3, "\342\200\246" },
	{ 11338, 7, 3, "\342\210\223" },
	{ 11345, 7, 3, "\342\212\247" },
	{ 11352, 5, 4, "\360\235\225\236" },
	{ 11357, 3, 3, "\342\210\223" },
	{ 11360, 5, 4, "\360\235\223\202" },
	{ 11365, 7, 3, "\342\210\276" },
	{ 11372, 3, 2, "\316\274" },
	{ 11375, 9, 3, "\342\212\270" },
	{ 11384, 6, 3, "\342\212\270" },
	{ 11390, 4, 5, "\342\213\231\314\270" },
	{ 11394, 4, 6, "\342\211\253\342\203\222" },
	{ 11398, 5, 5, "\342\211\253\314\270" },
	{ 11403, 11, 3, "\342\207\215" },
	{ 11414, 16, 3, "\342\207\216" },
	{ 11430, 4, 5, "\342\213\230\314\270" },
	{ 11434, 4, 6, "\342\211\252\342\203\222" },
	{ 11438, 5, 5, "\342\211\252\314\270" },
	{ 11443, 12, 3, "\342\207\217" },
	{ 11455, 7, 3, "\342\212\257" },
	{ 11462, 7, 3, "\342\212\256" },
	{ 11469, 6, 3, "\342\210\207" },
	{ 11475, 7, 2, "\305\204" },
	{ 11482, 5, 6, "\342\210\240\342\203\222" },
	{ 11487, 4, 3, "\342\211\211" },
	{ 11491, 5, 5, "\342\251\260\314\270" },
	{ 11496, 6, 5, "\342\211\213\314\270" },
	{ 11502, 6, 2, "\305\211" },
	{ 11508, 8, 3, "\342\211\211" },
	{ 11516, 6, 3, "\342\231\256" },
	{ 11522, 8, 3, "\342\231\256" },
	{ 11530, 9, 3, "\342\204\225" },
	{ 11539, 4, 2, "\302\240" },
	{ 11543, 5, 2, "\302\240" },
	{ 11548, 6, 5, "\342\211\216\314\270" },
	{ 11554, 7, 5, "\342\211\217\314\270" },
	{ 11561, 5, 3, "\342\251\203" },
	{ 11566, 7, 2, "\305\210" },
	{ 11573, 7, 2, "\305\206" },
	{ 11580, 6, 3, "\342\211\207" },
	{ 11586, 9, 5, "\342\251\255\314\270" },
	{ 11595, 5, 3, "\342\251\202" },
	{ 11600, 4, 2, "\320\275" },
	{ 11604, 6, 3, "\342\200\223" },
	{ 11610, 3, 3, "\342\211\240" },
	{ 11613, 6, 3, "\342\207\227" },
	{ 11619, 7, 3, "\342\244\244" },
	{ 11626, 6, 3, "\342\206\227" },
	{ 11632, 8, 3, "\342\206\227" },
	{ 11640, 6, 5, "\342\211\220\314\270" },
	{ 11646, 7, 3, "\342\211\242" },
	{ 11653, 7, 3, "\342\244\250" },
	{ 11660, 6, 5, "\342\211\202\314\270" },
	{ 11666, 7, 3, "\342\210\204" },
	{ 11673, 8, 3, "\342\210\204" },
	{ 11681, 4, 4, "\360\235\224\253" },
	{ 11685, 4, 5, "\342\211\247\314\270" },
	{ 11689, 4, 3, "\342\211\261" },
	{ 11693, 5, 3, "\342\211\261" },
	{ 11698, 6, 5, "\342\211\247\314\270" },
	{ 11704, 10, 5, "\342\251\276\314\270" },
	{ 11714, 5, 5, "\342\251\276\314\270" },
	{ 11719, 6, 3, "\342\211\265" },
	{ 11725, 4, 3, "\342\211\257" },
	{ 11729, 5, 3, "\342\211\257" },
	{ 11734, 6, 3, "\342\207\216" },
	{ 11740, 6, 3, "\342\206\256" },
	{ 11746, 6, 3, "\342\253\262" },
	{ 11752, 3, 3, "\342\210\213" },
	{ 11755, 4, 3, "\342\213\274" },
	{ 11759, 5, 3, "\342\213\272" },
	{ 11764, 4, 3, "\342\210\213" },
	{ 11768, 5, 2, "\321\232" },
	{ 11773, 6, 3, "\342\207\215" },
	{ 11779, 4, 5, "\342\211\246\314\270" },
	{ 11783, 6, 3, "\342\206\232" },
	{ 11789, 5, 3, "\342\200\245" },
	{ 11794, 4, 3, "\342\211\260" },
	{ 11798, 11, 3, "\342\206\232" },
	{ 11809, 16, 3, "\342\206\256" },
	{ 11825, 5, 3, "\342\211\260" },
	{ 11830, 6, 5, "\342\211\246\314\270" },
	{ 11836, 10, 5, "\342\251\275\314\270" },
	{ 11846, 5, 5, "\342\251\275\314\270" },
	{ 11851, 6, 3, "\342\211\256" },
	{ 11857, 6, 3, "\342\211\264" },
	{ 11863, 4, 3, "\342\211\256" },
	{ 11867, 6, 3, "\342\213\252" },
	{ 11873, 7, 3, "\342\213\254" },
	{ 11880, 5, 3, "\342\210\244" },
	{ 11885, 5, 4, "\360\235\225\237" },
	{ 11890, 3, 2, "\302\254" },
	{ 11893, 4, 2, "\302\254" },
	{ 11897, 6, 3, "\342\210\211" },
	{ 11903, 7, 5, "\342\213\271\314\270" },
	{ 11910, 9, 5, "\342\213\265\314\270" },
	{ 11919, 8, 3, "\342\210\211" },
	{ 11927, 8, 3, "\342\213\267" },
	{ 11935, 8, 3, "\342\213\266" },
	{ 11943, 6, 3, "\342\210\214" },
	{ 11949, 8, 3, "\342\210\214" },
	{ 11957, 8, 3, "\342\213\276" },
	{ 11965, 8, 3, "\342\213\275" },
	{ 11973, 5, 3, "\342\210\246" },
	{ 11978, 10, 3, "\342\210\246" },
	{ 11988, 7, 6, "\342\253\275\342\203\245" },
	{ 11995, 6, 5, "\342\210\202\314\270" },
	{ 12001, 8, 3, "\342\250\224" },
	{ 12009, 4, 3, "\342\212\200" },
	{ 12013, 7, 3, "\342\213\240" },
	{ 12020, 5, 5, "\342\252\257\314\270" },
	{ 12025, 6, 3, "\342\212\200" },
	{ 12031, 8, 5, "\342\252\257\314\270" },
	{ 12039, 6, 3, "\342\207\217" },
	{ 12045, 6, 3, "\342\206\233" },
	{ 12051, 7, 5, "\342\244\263\314\270" },
	{ 12058, 7, 5, "\342\206\235\314\270" },
	{ 12065, 12, 3, "\342\206\233" },
	{ 12077, 6, 3, "\342\213\253" },
	{ 12083, 7, 3, "\342\213\255" },
	{ 12090, 4, 3, "\342\212\201" },
	{ 12094, 7, 3, "\342\213\241" },
	{ 12101, 5, 5, "\342\252\260\314\270" },
	{ 12106, 5, 4, "\360\235\223\203" },
	{ 12111, 10, 3, "\342\210\244" },
	{ 12121, 15, 3, "\342\210\246" },
	{ 12136, 5, 3, "\342\211\201" },
	{ 12141, 6, 3, "\342\211\204" },
	{ 12147, 7, 3, "\342\211\204" },
	{ 12154, 6, 3, "\342\210\244" },
	{ 12160, 6, 3, "\342\210\246" },
	{ 12166, 8, 3, "\342\213\242" },
	{ 12174, 8, 3, "\342\213\243" },
	{ 12182, 5, 3, "\342\212\204" },
	{ 12187, 6, 5, "\342\253\205\314\270" },
	{ 12193, 6, 3, "\342\212\210" },
	{ 12199, 8, 6, "\342\212\202\342\203\222" },
	{ 12207, 10, 3, "\342\212\210" },
	{ 12217, 11, 5, "\342\253\205\314\270" },
	{ 12228, 6, 3, "\342\212\201" },
	{ 12234, 8, 5, "\342\252\260\314\270" },
	{ 12242, 5, 3, "\342\212\205" },
	{ 12247, 6, 5, "\342\253\206\314\270" },
	{ 12253, 6, 3, "\342\212\211" },
	{ 12259, 8, 6, "\342\212\203\342\203\222" },
	{ 12267, 10, 3, "\342\212\211" },
	{ 12277, 11, 5, "\342\253\206\314\270" },
	{ 12288, 5, 3, "\342\211\271" },
	{ 12293, 6, 2, "\303\261" },
	{ 12299, 7, 2, "\303\261" },
	{ 12306, 5, 3, "\342\211\270" },
	{ 12311, 14, 3, "\342\213\252" },
	{ 12325, 16, 3, "\342\213\254" },
	{ 12341, 15, 3, "\342\213\253" },
	{ 12356, 17, 3, "\342\213\255" },
	{ 12373, 3, 2, "\316\275" },
	{ 12376, 4, 1, "\043" },
	{ 12380, 7, 3, "\342\204\226" },
	{ 12387, 6, 3, "\342\200\207" },
	{ 12393, 7, 3, "\342\212\255" },
	{ 12400, 7, 3, "\342\244\204" },
	{ 12407, 5, 6, "\342\211\215\342\203\222" },
	{ 12412, 7, 3, "\342\212\254" },
	{ 12419, 5, 6, "\342\211\245\342\203\222" },
	{ 12424, 5, 4, "\076\342\203\222" },
	{ 12429, 8, 3, "\342\247\236" },
	{ 12437, 7, 3, "\342\244\202" },
	{ 12444, 5, 6, "\342\211\244\342\203\222" },
	{ 12449, 5, 4, "\074\342\203\222" },
	{ 12454, 8, 6, "\342\212\264\342\203\222" },
	{ 12462, 7, 3, "\342\244\203" },
	{ 12469, 8, 6, "\342\212\265\342\203\222" },
	{ 12477, 6, 6, "\342\210\274\342\203\222" },
	{ 12483, 6, 3, "\342\207\226" },
	{ 12489, 7, 3, "\342\244\243" },
	{ 12496, 6, 3, "\342\206\226" },
	{ 12502, 8, 3, "\342\206\226" },
	{ 12510, 7, 3, "\342\244\247" },
	{ 12517, 3, 3, "\342\223\210" },
	{ 12520, 6, 2, "\303\263" },
	{ 12526, 7, 2, "\303\263" },
	{ 12533, 5, 3, "\342\212\233" },
	{ 12538, 5, 3, "\342\212\232" },
	{ 12543, 5, 2, "\303\264" },
	{ 12548, 6, 2, "\303\264" },
	{ 12554, 4, 2, "\320\276" },
	{ 12558, 6, 3, "\342\212\235" },
	{ 12564, 7, 2, "\305\221" },
	{ 12571, 5, 3, "\342\250\270" },
	{ 12576, 5, 3, "\342\212\231" },
	{ 12581, 7, 3, "\342\246\274" },
	{ 12588, 6, 2, "\305\223" },
	{ 12594, 6, 3, "\342\246\277" },
	{ 12600, 4, 4, "\360\235\224\254" },
	{ 12604, 5, 2, "\313\233" },
	{ 12609, 6, 2, "\303\262" },
	{ 12615, 7, 2, "\303\262" },
	{ 12622, 4, 3, "\342\247\201" },
	{ 12626, 6, 3, "\342\246\265" },
	{ 12632, 4, 2, "\316\251" },
	{ 12636, 5, 3, "\342\210\256" },
	{ 12641, 6, 3, "\342\206\272" },
	{ 12647, 6, 3, "\342\246\276" },
	{ 12653, 8, 3, "\342\246\273" },
	{ 12661, 6, 3, "\342\200\276" },
	{ 12667, 4, 3, "\342\247\200" },
	{ 12671, 6, 2, "\305\215" },
	{ 12677, 6, 2, "\317\211" },
	{ 12683, 8, 2, "\316\277" },
	{ 12691, 5, 3, "\342\246\266" },
	{ 12696, 7, 3, "\342\212\226" },
	{ 12703, 5, 4, "\360\235\225\240" },
	{ 12708, 5, 3, "\342\246\267" },
	{ 12713, 6, 3, "\342\246\271" },
	{ 12719, 6, 3, "\342\212\225" },
	{ 12725, 3, 3, "\342\210\250" },
	{ 12728, 6, 3, "\342\206\273" },
	{ 12734, 4, 3, "\342\251\235" },
	{ 12738, 6, 3, "\342\204\264" },
	{ 12744, 8, 3, "\342\204\264" },
	{ 12752, 4, 2, "\302\252" },
	{ 12756, 5, 2, "\302\252" },
	{ 12761, 4, 2, "\302\272" },
	{ 12765, 5, 2, "\302\272" },
	{ 12770, 7, 3, "\342\212\266" },
	{ 12777, 5, 3, "\342\251\226" },
	{ 12782, 8, 3, "\342\251\227" },
	{ 12790, 4, 3, "\342\251\233" },
	{ 12794, 5, 3, "\342\204\264" },
	{ 12799, 6, 2, "\303\270" },
	{ 12805, 7, 2, "\303\270" },
	{ 12812, 5, 3, "\342\212\230" },
	{ 12817, 6, 2, "\303\265" },
	{ 12823, 7, 2, "\303\265" },
	{ 12830, 7, 3, "\342\212\227" },
	{ 12837, 9, 3, "\342\250\266" },
	{ 12846, 4, 2, "\303\266" },
	{ 12850, 5, 2, "\303\266" },
	{ 12855, 6, 3, "\342\214\275" },
	{ 12861, 4, 3, "\342\210\245" },
	{ 12865, 4, 2, "\302\266" },
	{ 12869, 5, 2, "\302\266" },
	{ 12874, 9, 3, "\342\210\245" },
	{ 12883, 7, 3, "\342\253\263" },
	{ 12890, 6, 3, "\342\253\275" },
	{ 12896, 5, 3, "\342\210\202" },
	{ 12901, 4, 2, "\320\277" },
	{ 12905, 7, 1, "\045" },
	{ 12912, 7, 1, "\056" },
	{ 12919, 7, 3, "\342\200\260" },
	{ 12926, 5, 3, "\342\212\245" },
	{ 12931, 8, 3, "\342\200\261" },
	{ 12939, 4, 4, "\360\235\224\255" },
	{ 12943, 4, 2, "\317\206" },
	{ 12947, 5, 2, "\317\225" },
	{ 12952, 7, 3, "\342\204\263" },
	{ 12959, 6, 3, "\342\230\216" },
	{ 12965, 3, 2, "\317\200" },
	{ 12968, 10, 3, "\342\213\224" },
	{ 12978, 4, 2, "\317\226" },
	{ 12982, 7, 3, "\342\204\217" },
	{ 12989, 8, 3, "\342\204\216" },
	{ 12997, 7, 3, "\342\204\217" },
	{ 13004, 5, 1, "\053" },
	{ 13009, 9, 3, "\342\250\243" },
	{ 13018, 6, 3, "\342\212\236" },
	{ 13024, 8, 3, "\342\250\242" },
	{ 13032, 7, 3, "\342\210\224" },
	{ 13039, 7, 3, "\342\250\245" },
	{ 13046, 6, 3, "\342\251\262" },
	{ 13052, 6, 2, "\302\261" },
	{ 13058, 7, 2, "\302\261" },
	{ 13065, 8, 3, "\342\250\246" },
	{ 13073, 8, 3, "\342\250\247" },
	{ 13081, 3, 2, "\302\261" },
	{ 13084, 9, 3, "\342\250\225" },
	{ 13093, 5, 4, "\360\235\225\241" },
	{ 13098, 5, 2, "\302\243" },
	{ 13103, 6, 2, "\302\243" },
	{ 13109, 3, 3, "\342\211\272" },
	{ 13112, 4, 3, "\342\252\263" },
	{ 13116, 5, 3, "\342\252\267" },
	{ 13121, 6, 3, "\342\211\274" },
	{ 13127, 4, 3, "\342\252\257" },
	{ 13131, 5, 3, "\342\211\272" },
	{ 13136, 11, 3, "\342\252\267" },
	{ 13147, 12, 3, "\342\211\274" },
	{ 13159, 7, 3, "\342\252\257" },
	{ 13166, 12, 3, "\342\252\271" },
	{ 13178, 9, 3, "\342\252\265" },
	{ 13187, 9, 3, "\342\213\250" },
	{ 13196, 8, 3, "\342\211\276" },
	{ 13204, 6, 3, "\342\200\262" },
	{ 13210, 7, 3, "\342\204\231" },
	{ 13217, 5, 3, "\342\252\265" },
	{ 13222, 6, 3, "\342\252\271" },
	{ 13228, 7, 3, "\342\213\250" },
	{ 13235, 5, 3, "\342\210\217" },
	{ 13240, 9, 3, "\342\214\256" },
	{ 13249, 9, 3, "\342\214\222" },
	{ 13258, 9, 3, "\342\214\223" },
	{ 13267, 5, 3, "\342\210\235" },
	{ 13272, 7, 3, "\342\210\235" },
	{ 13279, 6, 3, "\342\211\276" },
	{ 13285, 7, 3, "\342\212\260" },
	{ 13292, 5, 4, "\360\235\223\205" },
	{ 13297, 4, 2, "\317\210" },
	{ 13301, 7, 3, "\342\200\210" },
	{ 13308, 4, 4, "\360\235\224\256" },
	{ 13312, 5, 3, "\342\250\214" },
	{ 13317, 5, 4, "\360\235\225\242" },
	{ 13322, 7, 3, "\342\201\227" },
	{ 13329, 5, 4, "\360\235\223\206" },
	{ 13334, 12, 3, "\342\204\215" },
	{ 13346, 8, 3, "\342\250\226" },
	{ 13354, 6, 1, "\077" },
	{ 13360, 8, 3, "\342\211\237" },
	{ 13368, 4, 1, "\042" },
	{ 13372, 5, 1, "\042" },
	{ 13377, 6, 3, "\342\207\233" },
	{ 13383, 5, 3, "\342\207\222" },
	{ 13388, 7, 3, "\342\244\234" },
	{ 13395, 6, 3, "\342\244\217" },
	{ 13401, 5, 3, "\342\245\244" },
	{ 13406, 5, 5, "\342\210\275\314\261" },
	{ 13411, 7, 2, "\305\225" },
	{ 13418, 6, 3, "\342\210\232" },
	{ 13424, 9, 3, "\342\246\263" },
	{ 13433, 5, 3, "\342\237\251" },
	{ 13438, 6, 3, "\342\246\222" },
	{ 13444, 6, 3, "\342\246\245" },
	{ 13450, 7, 3, "\342\237\251" },
	{ 13457, 5, 2, "\302\273" },
	{ 13462, 6, 2, "\302\273" },
	{ 13468, 5, 3, "\342\206\222" },
	{ 13473, 7, 3, "\342\245\265" },
	{ 13480, 6, 3, "\342\207\245" },
	{ 13486, 8, 3, "\342\244\240" },
	{ 13494, 6, 3, "\342\244\263" },
	{ 13500, 7, 3, "\342\244\236" },
	{ 13507, 7, 3, "\342\206\252" },
	{ 13514, 7, 3, "\342\206\254" },
	{ 13521, 7, 3, "\342\245\205" },
	{ 13528, 8, 3, "\342\245\264" },
	{ 13536, 7, 3, "\342\206\243" },
	{ 13543, 6, 3, "\342\206\235" },
	{ 13549, 7, 3, "\342\244\232" },
	{ 13556, 6, 3, "\342\210\266" },
	{ 13562, 10, 3, "\342\204\232" },
	{ 13572, 6, 3, "\342\244\215" },
	{ 13578, 6, 3, "\342\235\263" },
	{ 13584, 7, 1, "\175" },
	{ 13591, 7, 1, "\135" },
	{ 13598, 6, 3, "\342\246\214" },
	{ 13604, 8, 3, "\342\246\216" },
	{ 13612, 8, 3, "\342\246\220" },
	{ 13620, 7, 2, "\305\231" },
	{ 13627, 7, 2, "\305\227" },
	{ 13634, 6, 3, "\342\214\211" },
	{ 13640, 5, 1, "\175" },
	{ 13645, 4, 2, "\321\200" },
	{ 13649, 5, 3, "\342\244\267" },
	{ 13654, 8, 3, "\342\245\251" },
	{ 13662, 6, 3, "\342\200\235" },
	{ 13668, 7, 3, "\342\200\235" },
	{ 13675, 5, 3, "\342\206\263" },
	{ 13680, 5, 3, "\342\204\234" },
	{ 13685, 8, 3, "\342\204\233" },
	{ 13693, 9, 3, "\342\204\234" },
	{ 13702, 6, 3, "\342\204\235" },
	{ 13708, 5, 3, "\342\226\255" },
	{ 13713, 3, 2, "\302\256" },
	{ 13716, 4, 2, "\302\256" },
	{ 13720, 7, 3, "\342\245\275" },
	{ 13727, 7, 3, "\342\214\213" },
	{ 13734, 4, 4, "\360\235\224\257" },
	{ 13738, 6, 3, "\342\207\201" },
	{ 13744, 6, 3, "\342\207\200" },
	{ 13750, 7, 3, "\342\245\254" },
	{ 13757, 4, 2, "\317\201" },
	{ 13761, 5, 2, "\317\261" },
	{ 13766, 11, 3, "\342\206\222" },
	{ 13777, 15, 3, "\342\206\243" },
	{ 13792, 17, 3, "\342\207\201" },
	{ 13809, 15, 3, "\342\207\200" },
	{ 13824, 16, 3, "\342\207\204" },
	{ 13840, 18, 3, "\342\207\214" },
	{ 13858, 17, 3, "\342\207\211" },
	{ 13875, 16, 3, "\342\206\235" },
	{ 13891, 16, 3, "\342\213\214" },
	{ 13907, 5, 2, "\313\232" },
	{ 13912, 13, 3, "\342\211\223" },
	{ 13925, 6, 3, "\342\207\204" },
	{ 13931, 6, 3, "\342\207\214" },
	{ 13937, 4, 3, "\342\200\217" },
	{ 13941, 7, 3, "\342\216\261" },
	{ 13948, 11, 3, "\342\216\261" },
	{ 13959, 6, 3, "\342\253\256" },
	{ 13965, 6, 3, "\342\237\255" },
	{ 13971, 6, 3, "\342\207\276" },
	{ 13977, 6, 3, "\342\237\247" },
	{ 13983, 6, 3, "\342\246\206" },
	{ 13989, 5, 4, "\360\235\225\243" },
	{ 13994, 7, 3, "\342\250\256" },
	{ 14001, 8, 3, "\342\250\265" },
	{ 14009, 5, 1, "\051" },
	{ 14014, 7, 3, "\342\246\224" },
	{ 14021, 9, 3, "\342\250\222" },
	{ 14030, 6, 3, "\342\207\211" },
	{ 14036, 7, 3, "\342\200\272" },
	{ 14043, 5, 4, "\360\235\223\207" },
	{ 14048, 4, 3, "\342\206\261" },
	{ 14052, 5, 1, "\135" },
	{ 14057, 6, 3, "\342\200\231" },
	{ 14063, 7, 3, "\342\200\231" },
	{ 14070, 7, 3, "\342\213\214" },
	{ 14077, 7, 3, "\342\213\212" },
	{ 14084, 5, 3, "\342\226\271" },
	{ 14089, 6, 3, "\342\212\265" },
	{ 14095, 6, 3, "\342\226\270" },
	{ 14101, 9, 3, "\342\247\216" },
	{ 14110, 8, 3, "\342\245\250" },
	{ 14118, 3, 3, "\342\204\236" },
	{ 14121, 7, 2, "\305\233" },
	{ 14128, 6, 3, "\342\200\232" },
	{ 14134, 3, 3, "\342\211\273" },
	{ 14137, 4, 3, "\342\252\264" },
	{ 14141, 5, 3, "\342\252\270" },
	{ 14146, 7, 2, "\305\241" },
	{ 14153, 6, 3, "\342\211\275" },
	{ 14159, 4, 3, "\342\252\260" },
	{ 14163, 7, 2, "\305\237" },
	{ 14170, 6, 2, "\305\235" },
	{ 14176, 5, 3, "\342\252\266" },
	{ 14181, 6, 3, "\342\252\272" },
	{ 14187, 7, 3, "\342\213\251" },
	{ 14194, 9, 3, "\342\250\223" },
	{ 14203, 6, 3, "\342\211\277" },
	{ 14209, 4, 2, "\321\201" },
	{ 14213, 5, 3, "\342\213\205" },
	{ 14218, 6, 3, "\342\212\241" },
	{ 14224, 6, 3, "\342\251\246" },
	{ 14230, 6, 3, "\342\207\230" },
	{ 14236, 7, 3, "\342\244\245" },
	{ 14243, 6, 3, "\342\206\230" },
	{ 14249, 8, 3, "\342\206\230" },
	{ 14257, 4, 2, "\302\247" },
	{ 14261, 5, 2, "\302\247" },
	{ 14266, 5, 1, "\073" },
	{ 14271, 7, 3, "\342\244\251" },
	{ 14278, 9, 3, "\342\210\226" },
	{ 14287, 6, 3, "\342\210\226" },
	{ 14293, 5, 3, "\342\234\266" },
	{ 14298, 4, 4, "\360\235\224\260" },
	{ 14302, 7, 3, "\342\214\242" },
	{ 14309, 6, 3, "\342\231\257" },
	{ 14315, 7, 2, "\321\211" },
	{ 14322, 5, 2, "\321\210" },
	{ 14327, 9, 3, "\342\210\243" },
	{ 14336, 14, 3, "\342\210\245" },
	{ 14350, 3, 2, "\302\255" },
	{ 14353, 4, 2, "\302\255" },
	{ 14357, 6, 2, "\317\203" },
	{ 14363, 7, 2, "\317\202" },
	{ 14370, 7, 2, "\317\202" },
	{ 14377, 4, 3, "\342\210\274" },
	{ 14381, 7, 3, "\342\251\252" },
	{ 14388, 5, 3, "\342\211\203" },
	{ 14393, 6, 3, "\342\211\203" },
	{ 14399, 5, 3, "\342\252\236" },
	{ 14404, 6, 3, "\342\252\240" },
	{ 14410, 5, 3, "\342\252\235" },
	{ 14415, 6, 3, "\342\252\237" },
	{ 14421, 6, 3, "\342\211\206" },
	{ 14427, 8, 3, "\342\250\244" },
	{ 14435, 8, 3, "\342\245\262" },
	{ 14443, 6, 3, "\342\206\220" },
	{ 14449, 14, 3, "\342\210\226" },
	{ 14463, 7, 3, "\342\250\263" },
	{ 14470, 9, 3, "\342\247\244" },
	{ 14479, 5, 3, "\342\210\243" },
	{ 14484, 6, 3, "\342\214\243" },
	{ 14490, 4, 3, "\342\252\252" },
	{ 14494, 5, 3, "\342\252\254" },
	{ 14499, 6, 6, "\342\252\254\357\270\200" },
	{ 14505, 7, 2, "\321\214" },
	{ 14512, 4, 1, "\057" },
	{ 14516, 5, 3, "\342\247\204" },
	{ 14521, 7, 3, "\342\214\277" },
	{ 14528, 5, 4, "\360\235\225\244" },
	{ 14533, 7, 3, "\342\231\240" },
	{ 14540, 10, 3, "\342\231\240" },
	{ 14550, 5, 3, "\342\210\245" },
	{ 14555, 6, 3, "\342\212\223" },
	{ 14561, 7, 6, "\342\212\223\357\270\200" },
	{ 14568, 6, 3, "\342\212\224" },
	{ 14574, 7, 6, "\342\212\224\357\270\200" },
	{ 14581, 6, 3, "\342\212\217" },
	{ 14587, 7, 3, "\342\212\221" },
	{ 14594, 9, 3, "\342\212\217" },
	{ 14603, 11, 3, "\342\212\221" },
	{ 14614, 6, 3, "\342\212\220" },
	{ 14620, 7, 3, "\342\212\222" },
	{ 14627, 9, 3, "\342\212\220" },
	{ 14636, 11, 3, "\342\212\222" },
	{ 14647, 4, 3, "\342\226\241" },
	{ 14651, 7, 3, "\342\226\241" },
	{ 14658, 7, 3, "\342\226\252" },
	{ 14665, 5, 3, "\342\226\252" },
	{ 14670, 6, 3, "\342\206\222" },
	{ 14676, 5, 4, "\360\235\223\210" },
	{ 14681, 7, 3, "\342\210\226" },
	{ 14688, 7, 3, "\342\214\243" },
	{ 14695, 7, 3, "\342\213\206" },
	{ 14702, 5, 3, "\342\230\206" },
	{ 14707, 6, 3, "\342\230\205" },
	{ 14713, 16, 2, "\317\265" },
	{ 14729, 12, 2, "\317\225" },
	{ 14741, 6, 2, "\302\257" },
	{ 14747, 4, 3, "\342\212\202" },
	{ 14751, 5, 3, "\342\253\205" },
	{ 14756, 7, 3, "\342\252\275" },
	{ 14763, 5, 3, "\342\212\206" },
	{ 14768, 8, 3, "\342\253\203" },
	{ 14776, 8, 3, "\342\253\201" },
	{ 14784, 6, 3, "\342\253\213" },
	{ 14790, 6, 3, "\342\212\212" },
	{ 14796, 8, 3, "\342\252\277" },
	{ 14804, 8, 3, "\342\245\271" },
	{ 14812, 7, 3, "\342\212\202" },
	{ 14819, 9, 3, "\342\212\206" },
	{ 14828, 10, 3, "\342\253\205" },
	{ 14838, 10, 3, "\342\212\212" },
	{ 14848, 11, 3, "\342\253\213" },
	{ 14859, 7, 3, "\342\253\207" },
	{ 14866, 7, 3, "\342\253\225" },
	{ 14873, 7, 3, "\342\253\223" },
	{ 14880, 5, 3, "\342\211\273" },
	{ 14885, 11, 3, "\342\252\270" },
	{ 14896, 12, 3, "\342\211\275" },
	{ 14908, 7, 3, "\342\252\260" },
	{ 14915, 12, 3, "\342\252\272" },
	{ 14927, 9, 3, "\342\252\266" },
	{ 14936, 9, 3, "\342\213\251" },
	{ 14945, 8, 3, "\342\211\277" },
	{ 14953, 4, 3, "\342\210\221" },
	{ 14957, 5, 3, "\342\231\252" },
	{ 14962, 4, 2, "\302\271" },
	{ 14966, 5, 2, "\302\271" },
	{ 14971, 4, 2, "\302\262" },
	{ 14975, 5, 2, "\302\262" },
	{ 14980, 4, 2, "\302\263" },
	{ 14984, 5, 2, "\302\263" },
	{ 14989, 4, 3, "\342\212\203" },
	{ 14993, 5, 3, "\342\253\206" },
	{ 14998, 7, 3, "\342\252\276" },
	{ 15005, 8, 3, "\342\253\230" },
	{ 15013, 5, 3, "\342\212\207" },
	{ 15018, 8, 3, "\342\253\204" },
	{ 15026, 8, 3, "\342\237\211" },
	{ 15034, 8, 3, "\342\253\227" },
	{ 15042, 8, 3, "\342\245\273" },
	{ 15050, 8, 3, "\342\253\202" },
	{ 15058, 6, 3, "\342\253\214" },
	{ 15064, 6, 3, "\342\212\213" },
	{ 15070, 8, 3, "\342\253\200" },
	{ 15078, 7, 3, "\342\212\203" },
	{ 15085, 9, 3, "\342\212\207" },
	{ 15094, 10, 3, "\342\253\206" },
	{ 15104, 10, 3, "\342\212\213" },
	{ 15114, 11, 3, "\342\253\214" },
	{ 15125, 7, 3, "\342\253\210" },
	{ 15132, 7, 3, "\342\253\224" },
	{ 15139, 7, 3, "\342\253\226" },
	{ 15146, 6, 3, "\342\207\231" },
	{ 15152, 7, 3, "\342\244\246" },
	{ 15159, 6, 3, "\342\206\231" },
	{ 15165, 8, 3, "\342\206\231" },
	{ 15173, 7, 3, "\342\244\252" },
	{ 15180, 5, 2, "\303\237" },
	{ 15185, 6, 2, "\303\237" },
	{ 15191, 7, 3, "\342\214\226" },
	{ 15198, 4, 2, "\317\204" },
	{ 15202, 5, 3, "\342\216\264" },
	{ 15207, 7, 2, "\305\245" },
	{ 15214, 7, 2, "\305\243" },
	{ 15221, 4, 2, "\321\202" },
	{ 15225, 5, 3, "\342\203\233" },
	{ 15230, 7, 3, "\342\214\225" },
	{ 15237, 4, 4, "\360\235\224\261" },
	{ 15241, 7, 3, "\342\210\264" },
	{ 15248, 10, 3, "\342\210\264" },
	{ 15258, 6, 2, "\316\270" },
	{ 15264, 9, 2, "\317\221" },
	{ 15273, 7, 2, "\317\221" },
	{ 15280, 12, 3, "\342\211\210" },
	{ 15292, 9, 3, "\342\210\274" },
	{ 15301, 7, 3, "\342\200\211" },
	{ 15308, 6, 3, "\342\211\210" },
	{ 15314, 7, 3, "\342\210\274" },
	{ 15321, 5, 2, "\303\276" },
	{ 15326, 6, 2, "\303\276" },
	{ 15332, 6, 2, "\313\234" },
	{ 15338, 5, 2, "\303\227" },
	{ 15343, 6, 2, "\303\227" },
	{ 15349, 7, 3, "\342\212\240" },
	{ 15356, 9, 3, "\342\250\261" },
	{ 15365, 7, 3, "\342\250\260" },
	{ 15372, 5, 3, "\342\210\255" },
	{ 15377, 5, 3, "\342\244\250" },
	{ 15382, 4, 3, "\342\212\244" },
	{ 15386, 7, 3, "\342\214\266" },
	{ 15393, 7, 3, "\342\253\261" },
	{ 15400, 5, 4, "\360\235\225\245" },
	{ 15405, 8, 3, "\342\253\232" },
	{ 15413, 5, 3, "\342\244\251" },
	{ 15418, 7, 3, "\342\200\264" },
	{ 15425, 6, 3, "\342\204\242" },
	{ 15431, 9, 3, "\342\226\265" },
	{ 15440, 13, 3, "\342\226\277" },
	{ 15453, 13, 3, "\342\227\203" },
	{ 15466, 15, 3, "\342\212\264" },
	{ 15481, 10, 3, "\342\211\234" },
	{ 15491, 14, 3, "\342\226\271" },
	{ 15505, 16, 3, "\342\212\265" },
	{ 15521, 7, 3, "\342\227\254" },
	{ 15528, 5, 3, "\342\211\234" },
	{ 15533, 9, 3, "\342\250\272" },
	{ 15542, 8, 3, "\342\250\271" },
	{ 15550, 6, 3, "\342\247\215" },
	{ 15556, 8, 3, "\342\250\273" },
	{ 15564, 9, 3, "\342\217\242" },
	{ 15573, 5, 4, "\360\235\223\211" },
	{ 15578, 5, 2, "\321\206" },
	{ 15583, 6, 2, "\321\233" },
	{ 15589, 7, 2, "\305\247" },
	{ 15596, 6, 3, "\342\211\254" },
	{ 15602, 17, 3, "\342\206\236" },
	{ 15619, 18, 3, "\342\206\240" },
	{ 15637, 5, 3, "\342\207\221" },
	{ 15642, 5, 3, "\342\245\243" },
	{ 15647, 6, 2, "\303\272" },
	{ 15653, 7, 2, "\303\272" },
	{ 15660, 5, 3, "\342\206\221" },
	{ 15665, 6, 2, "\321\236" },
	{ 15671, 7, 2, "\305\255" },
	{ 15678, 5, 2, "\303\273" },
	{ 15683, 6, 2, "\303\273" },
	{ 15689, 4, 2, "\321\203" },
	{ 15693, 6, 3, "\342\207\205" },
	{ 15699, 7, 2, "\305\261" },
	{ 15706, 6, 3, "\342\245\256" },
	{ 15712, 7, 3, "\342\245\276" },
	{ 15719, 4, 4, "\360\235\224\262" },
	{ 15723, 6, 2, "\303\271" },
	{ 15729, 7, 2, "\303\271" },
	{ 15736, 6, 3, "\342\206\277" },
	{ 15742, 6, 3, "\342\206\276" },
	{ 15748, 6, 3, "\342\226\200" },
	{ 15754, 7, 3, "\342\214\234" },
	{ 15761, 9, 3, "\342\214\234" },
	{ 15770, 7, 3, "\342\214\217" },
	{ 15777, 6, 3, "\342\227\270" },
	{ 15783, 6, 2, "\305\253" },
	{ 15789, 3, 2, "\302\250" },
	{ 15792, 4, 2, "\302\250" },
	{ 15796, 6, 2, "\305\263" },
	{ 15802, 5, 4, "\360\235\225\246" },
	{ 15807, 8, 3, "\342\206\221" },
	{ 15815, 12, 3, "\342\206\225" },
	{ 15827, 14, 3, "\342\206\277" },
	{ 15841, 15, 3, "\342\206\276" },
	{ 15856, 6, 3, "\342\212\216" },
	{ 15862, 5, 2, "\317\205" },
	{ 15867, 6, 2, "\317\222" },
	{ 15873, 8, 2, "\317\205" },
	{ 15881, 11, 3, "\342\207\210" },
	{ 15892, 7, 3, "\342\214\235" },
	{ 15899, 9, 3, "\342\214\235" },
	{ 15908, 7, 3, "\342\214\216" },
	{ 15915, 6, 2, "\305\257" },
	{ 15921, 6, 3, "\342\227\271" },
	{ 15927, 5, 4, "\360\235\223\212" },
	{ 15932, 6, 3, "\342\213\260" },
	{ 15938, 7, 2, "\305\251" },
	{ 15945, 5, 3, "\342\226\265" },
	{ 15950, 6, 3, "\342\226\264" },
	{ 15956, 6, 3, "\342\207\210" },
	{ 15962, 4, 2, "\303\274" },
	{ 15966, 5, 2, "\303\274" },
	{ 15971, 8, 3, "\342\246\247" },
	{ 15979, 5, 3, "\342\207\225" },
	{ 15984, 5, 3, "\342\253\250" },
	{ 15989, 6, 3, "\342\253\251" },
	{ 15995, 6, 3, "\342\212\250" },
	{ 16001, 7, 3, "\342\246\234" },
	{ 16008, 11, 2, "\317\265" },
	{ 16019, 9, 2, "\317\260" },
	{ 16028, 11, 3, "\342\210\205" },
	{ 16039, 7, 2, "\317\225" },
	{ 16046, 6, 2, "\317\226" },
	{ 16052, 10, 3, "\342\210\235" },
	{ 16062, 5, 3, "\342\206\225" },
	{ 16067, 7, 2, "\317\261" },
	{ 16074, 9, 2, "\317\202" },
	{ 16083, 13, 6, "\342\212\212\357\270\200" },
	{ 16096, 14, 6, "\342\253\213\357\270\200" },
	{ 16110, 13, 6, "\342\212\213\357\270\200" },
	{ 16123, 14, 6, "\342\253\214\357\270\200" },
	{ 16137, 9, 2, "\317\221" },
	{ 16146, 16, 3, "\342\212\262" },
	{ 16162, 17, 3, "\342\212\263" },
	{ 16179, 4, 2, "\320\262" },
	{ 16183, 6, 3, "\342\212\242" },
	{ 16189, 4, 3, "\342\210\250" },
	{ 16193, 7, 3, "\342\212\273" },
	{ 16200, 6, 3, "\342\211\232" },
	{ 16206, 7, 3, "\342\213\256" },
	{ 16213, 7, 1, "\174" },
	{ 16220, 5, 1, "\174" },
	{ 16225, 4, 4, "\360\235\224\263" },
	{ 16229, 6, 3, "\342\212\262" },
	{ 16235, 6, 6, "\342\212\202\342\203\222" },
	{ 16241, 6, 6, "\342\212\203\342\203\222" },
	{ 16247, 5, 4, "\360\235\225\247" },
	{ 16252, 6, 3, "\342\210\235" },
	{ 16258, 6, 3, "\342\212\263" },
	{ 16264, 5, 4, "\360\235\223\213" },
	{ 16269, 7, 6, "\342\253\213\357\270\200" },
	{ 16276, 7, 6, "\342\212\212\357\270\200" },
	{ 16283, 7, 6, "\342\253\214\357\270\200" },
	{ 16290, 7, 6, "\342\212\213\357\270\200" },
	{ 16297, 8, 3, "\342\246\232" },
	{ 16305, 6, 2, "\305\265" },
	{ 16311, 7, 3, "\342\251\237" },
	{ 16318, 6, 3, "\342\210\247" },
	{ 16324, 7, 3, "\342\211\231" },
	{ 16331, 7, 3, "\342\204\230" },
	{ 16338, 4, 4, "\360\235\224\264" },
	{ 16342, 5, 4, "\360\235\225\250" },
	{ 16347, 3, 3, "\342\204\230" },
	{ 16350, 3, 3, "\342\211\200" },
	{ 16353, 7, 3, "\342\211\200" },
	{ 16360, 5, 4, "\360\235\223\214" },
	{ 16365, 5, 3, "\342\213\202" },
	{ 16370, 6, 3, "\342\227\257" },
	{ 16376, 5, 3, "\342\213\203" },
	{ 16381, 6, 3, "\342\226\275" },
	{ 16387, 4, 4, "\360\235\224\265" },
	{ 16391, 6, 3, "\342\237\272" },
	{ 16397, 6, 3, "\342\237\267" },
	{ 16403, 3, 2, "\316\276" },
	{ 16406, 6, 3, "\342\237\270" },
	{ 16412, 6, 3, "\342\237\265" },
	{ 16418, 5, 3, "\342\237\274" },
	{ 16423, 5, 3, "\342\213\273" },
	{ 16428, 6, 3, "\342\250\200" },
	{ 16434, 5, 4, "\360\235\225\251" },
	{ 16439, 7, 3, "\342\250\201" },
	{ 16446, 7, 3, "\342\250\202" },
	{ 16453, 6, 3, "\342\237\271" },
	{ 16459, 6, 3, "\342\237\266" },
	{ 16465, 5, 4, "\360\235\223\215" },
	{ 16470, 7, 3, "\342\250\206" },
	{ 16477, 7, 3, "\342\250\204" },
	{ 16484, 6, 3, "\342\226\263" },
	{ 16490, 5, 3, "\342\213\201" },
	{ 16495, 7, 3, "\342\213\200" },
	{ 16502, 6, 2, "\303\275" },
	{ 16508, 7, 2, "\303\275" },
	{ 16515, 5, 2, "\321\217" },
	{ 16520, 6, 2, "\305\267" },
	{ 16526, 4, 2, "\321\213" },
	{ 16530, 3, 2, "\302\245" },
	{ 16533, 4, 2, "\302\245" },
	{ 16537, 4, 4, "\360\235\224\266" },
	{ 16541, 5, 2, "\321\227" },
	{ 16546, 5, 4, "\360\235\225\252" },
	{ 16551, 5, 4, "\360\235\223\216" },
	{ 16556, 5, 2, "\321\216" },
	{ 16561, 4, 2, "\303\277" },
	{ 16565, 5, 2, "\303\277" },
	{ 16570, 7, 2, "\305\272" },
	{ 16577, 7, 2, "\305\276" },
	{ 16584, 4, 2, "\320\267" },
	{ 16588, 5, 2, "\305\274" },
	{ 16593, 7, 3, "\342\204\250" },
	{ 16600, 5, 2, "\316\266" },
	{ 16605, 4, 4, "\360\235\224\267" },
	{ 16609, 5, 2, "\320\266" },
	{ 16614, 8, 3, "\342\207\235" },
	{ 16622, 5, 4, "\360\235\225\253" },
	{ 16627, 5, 4, "\360\235\223\217" },
	{ 16632, 4, 3, "\342\200\215" },
	{ 16636, 5, 3, "\342\200\214" },
};

const uint16_t html_entity_starts[HTML_ENTITY_LETTERS + 1] = {
	0,	/* A */
	27,	/* B */
	39,	/* C */
	75,	/* D */
	129,	/* E */
	159,	/* F */
	167,	/* G */
	189,	/* H */
	201,	/* I */
	230,	/* J */
	237,	/* K */
	245,	/* L */
	305,	/* M */
	314,	/* N */
	386,	/* O */
	415,	/* P */
	434,	/* Q */
	439,	/* R */
	484,	/* S */
	524,	/* T */
	547,	/* U */
	587,	/* V */
	604,	/* W */
	609,	/* X */
	613,	/* Y */
	624,	/* Z */
	634,	/* a */
	703,	/* b */
	819,	/* c */
	918,	/* d */
	984,	/* e */
	1051,	/* f */
	1090,	/* g */
	1150,	/* h */
	1178,	/* i */
	1234,	/* j */
	1242,	/* k */
	1252,	/* l */
	1406,	/* m */
	1446,	/* n */
	1614,	/* o */
	1675,	/* p */
	1744,	/* q */
	1755,	/* r */
	1859,	/* s */
	2017,	/* t */
	2075,	/* u */
	2127,	/* v */
	2169,	/* w */
	2180,	/* x */
	2204,	/* y */
	2218,	/* z */
	2231,
};
