"""What could the concepts, courses, schools and learners of a generated world be called?

Names are put together from word lists, Chinese beside English; the number of a thing decides its
name, so no two concepts share one by chance.
"""

import hashlib
from math import gcd


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MANNERS = (
    "线性:linear 随机:stochastic 动态:dynamic 离散:discrete 连续:continuous 局部:local "
    "全局:global 对称:symmetric 递归:recursive 并行:parallel 分布式:distributed 自适应:adaptive "
    "稀疏:sparse 稳定:stable 最优:optimal 广义:generalised 有限:finite 无限:infinite "
    "正则:regular 加权:weighted 隐式:implicit 显式:explicit 多元:multivariate 二元:binary "
    "条件:conditional 渐近:asymptotic 周期:periodic 层次:hierarchical 混合:mixed 相对:relative "
    "绝对:absolute 可逆:reversible 非线性:nonlinear 定向:directed 模糊:fuzzy 几何:geometric "
    "代数:algebraic 数值:numerical 概率:probabilistic 逻辑:logical"
)
_THINGS = (
    "映射:mapping 函数:function 矩阵:matrix 向量:vector 空间:space 网络:network 序列:sequence "
    "过程:process 系统:system 模型:model 方程:equation 变换:transform 算子:operator 图:graph "
    "树:tree 集合:set 群:group 环:ring 域:field 分布:distribution 估计:estimation 检验:testing "
    "回归:regression 分类:classification 聚类:clustering 搜索:search 排序:sorting 编码:coding "
    "协议:protocol 存储:storage 调度:scheduling 语言:language 结构:structure 电路:circuit "
    "信号:signal 滤波:filtering 控制:control 反馈:feedback 优化:optimisation 博弈:game "
    "市场:market 决策:decision 预测:forecast 抽样:sampling 积分:integral 微分:differential "
    "级数:series 极限:limit 测度:measure 拓扑:topology 流形:manifold 力学:mechanics "
    "场:potential 波:wave 粒子:particle 反应:reaction 细胞:cell 基因:gene 组织:tissue "
    "材料:material"
)
_KINDS = (
    "概念:notion 定理:theorem 性质:property 方法:method 算法:algorithm 分析:analysis "
    "设计:design 理论:theory 原理:principle 应用:application 表示:representation "
    "分解:decomposition 近似:approximation 收敛:convergence 复杂度:complexity 误差:error "
    "条件:condition 准则:criterion 模式:pattern 实现:implementation 测量:measurement "
    "比较:comparison 构造:construction 求解:solution 边界:boundary 约束:constraint 指标:index "
    "规则:rule 判定:decidability 推广:extension"
)
_FIELDS = _words(
    "数学 计算机科学技术 物理学 化学 生物学 电子学 自动控制 经济学 管理科学技术 心理学 "
    "材料科学技术 机械工程 土木工程 环境科学技术 医学 统计学 法学 语言学 历史学 教育学 哲学 "
    "地理学 天文学 农学 艺术学 社会学 政治学 新闻学 航空科学技术 测绘学 水利科学技术 冶金学 "
    "通信科学技术 建筑学 药学 海洋科学技术 大气科学 力学 动力工程 能源科学技术"
)
_PLACES = _words("东 南 西 北 中 江 河 湖 海 山 华 云 长 青 明 新 安 平 宁 泰")
_SCHOOLS = _words("大学 理工大学 师范大学 科技大学 学院 交通大学 农业大学 财经大学")


def _split(words: str) -> tuple[tuple[str, str], ...]:
    pairs = (word.split(":") for word in words.split())
    return tuple((chinese, english) for chinese, english in pairs)


_PARTS = tuple(_split(words) for words in (_MANNERS, _THINGS, _KINDS))
_COMBINATIONS = len(_PARTS[0]) * len(_PARTS[1]) * len(_PARTS[2])
_STRIDE = next(
    n for n in range(_COMBINATIONS * 5 // 8, _COMBINATIONS) if gcd(n, _COMBINATIONS) == 1
)


def concept_name(number: int) -> tuple[str, str]:
    """The Chinese and the English name of a concept; different for every number.

    >>> concept_name(0)
    ('线性映射概念', 'linear mapping notion')
    >>> concept_name(72_000)
    ('线性映射概念（2型）', 'linear mapping notion, type 2')
    """
    again, place = divmod(number, _COMBINATIONS)
    place = place * _STRIDE % _COMBINATIONS
    words = []
    for part in _PARTS:
        place, at = divmod(place, len(part))
        words.append(part[at])
    chinese = "".join(word for word, _ in words)
    english = " ".join(word for _, word in words)
    if again:
        return f"{chinese}（{again + 1}型）", f"{english}, type {again + 1}"
    return chinese, english


def field_name(number: int) -> str:
    """The name of a field, which is its id too.

    >>> field_name(1), field_name(41)
    ('计算机科学技术', '计算机科学技术2')
    """
    again, place = divmod(number, len(_FIELDS))
    return _FIELDS[place] + (str(again + 1) if again else "")


def school_name(number: int) -> tuple[str, str]:
    """A school's id without its prefix, and its name.

    >>> school_name(3)
    ('AADX', '东北大学')
    """
    letters, rest = "", number
    for _ in range(3):
        rest, at = divmod(rest, 26)
        letters = chr(65 + at) + letters
    kind, places = divmod(number, len(_PLACES) ** 2)
    first, second = divmod(places, len(_PLACES))
    name = _PLACES[first] + _PLACES[second] + _SCHOOLS[kind % len(_SCHOOLS)]
    return letters + (str(rest) if rest else "") + "X", name


def video_id(seed: int, number: int) -> str:
    """32 hexadecimal digits, as MOOCCube's videos have.

    >>> len(video_id(0, 1)), video_id(0, 1) == video_id(1, 1)
    (34, False)
    """
    return "V_" + hashlib.blake2b(f"{seed} {number}".encode(), digest_size=16).hexdigest()
