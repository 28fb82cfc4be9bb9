<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Customer\Model\ResourceModel\Group\CollectionFactory as Groups;
use Magento\Framework\App\ResourceConnection;
use Magento\SalesRule\Api\CouponRepositoryInterface;
use Magento\SalesRule\Api\Data\CouponInterface;
use Magento\SalesRule\Api\Data\CouponInterfaceFactory;
use Magento\SalesRule\Api\Data\RuleInterface;
use Magento\SalesRule\Api\Data\RuleInterfaceFactory;
use Magento\SalesRule\Api\RuleRepositoryInterface;
use Magento\Store\Model\StoreManagerInterface;
use Upline\Commission\Domain\Reference;
use Upline\Commission\Model\Data\CouponReport;

/**
 * Coupons of distributors: codes of one cart price rule, which the merchant may change as he likes. The coupon that a
 * buyer used tells whose sale it is.
 */
class Coupons
{
    private const TABLE = 'upline_coupon';
    private const RULE = 'coupon_rule';

    /**
     * @param ResourceConnection $resource
     * @param RuleRepositoryInterface $rules
     * @param RuleInterfaceFactory $ruleFactory
     * @param CouponRepositoryInterface $coupons
     * @param CouponInterfaceFactory $couponFactory
     * @param StoreManagerInterface $stores
     * @param Groups $groups
     * @param State $state
     * @param Server $server
     * @param Config $config
     */
    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly RuleRepositoryInterface $rules,
        private readonly RuleInterfaceFactory $ruleFactory,
        private readonly CouponRepositoryInterface $coupons,
        private readonly CouponInterfaceFactory $couponFactory,
        private readonly StoreManagerInterface $stores,
        private readonly Groups $groups,
        private readonly State $state,
        private readonly Server $server,
        private readonly Config $config
    ) {
    }

    /**
     * Asks the server for all codes and brings the coupons up to date.
     *
     * @param Connection $connection
     * @return CouponReport|null null where the server did not answer
     */
    public function pull(Connection $connection): ?CouponReport
    {
        $sum = ['added' => 0, 'known' => 0, 'ended' => 0, 'faults' => []];
        $cursor = '';
        do {
            $response = $this->server->call('coupons', ['cursor' => $cursor, 'limit' => 200], 10.0, $connection);
            if ($response->status !== 200) {
                return null;
            }
            $told = array_filter((array) ($response->data['data'] ?? []), 'is_array');
            $report = $this->bring($told, (string) $this->config->couponPercent());
            foreach (['added', 'known', 'ended'] as $name) {
                $sum[$name] += $report->getData($name);
            }
            array_push($sum['faults'], ...$report->getData('faults'));
            $before = $cursor;
            $cursor = (string) ($response->data['next_cursor'] ?? '');
        } while ($cursor !== '' && $cursor !== $before);
        return new CouponReport($sum);
    }

    /**
     * Brings coupons up to date.
     *
     * @param array<int, array<string, mixed>> $told {code, distributor_id, active}
     * @param string $percent discount of a rule that has to be made
     * @return CouponReport
     */
    public function bring(array $told, string $percent): CouponReport
    {
        $sum = ['added' => 0, 'known' => 0, 'ended' => 0, 'faults' => []];
        foreach ($told as $one) {
            $code = Reference::clean($one['code'] ?? '');
            if ($code === '') {
                $sum['faults'][] = mb_substr((string) ($one['code'] ?? ''), 0, 64) . ': this is no code';
                continue;
            }
            try {
                $change = empty($one['active'])
                    ? $this->end($code)
                    : $this->add($code, (string) ($one['distributor_id'] ?? ''), $percent);
                if ($change !== '') {
                    $sum[$change]++;
                }
            } catch (\Exception $fault) {
                $sum['faults'][] = $code . ': ' . $fault->getMessage();
            }
        }
        return new CouponReport($sum);
    }

    /**
     * Makes a coupon, where there is none of that code.
     *
     * @param string $code
     * @param string $distributorId
     * @param string $percent
     * @return string added or known
     */
    private function add(string $code, string $distributorId, string $percent): string
    {
        if ($this->couponId($code) !== 0) {
            return 'known';
        }
        $coupon = $this->couponFactory->create();
        $coupon->setRuleId($this->ruleId($percent));
        $coupon->setCode($code);
        $coupon->setType(CouponInterface::TYPE_GENERATED);
        $coupon->setTimesUsed(0);
        $coupon = $this->coupons->save($coupon);
        $this->resource->getConnection()->insertOnDuplicate(
            $this->resource->getTableName(self::TABLE),
            [
                'code' => $code, 'distributor_id' => $distributorId, 'coupon_id' => (int) $coupon->getCouponId(),
                'active' => 1,
            ]
        );
        return 'added';
    }

    /**
     * Removes a coupon that we made. Orders keep the code that they were placed with.
     *
     * @param string $code
     * @return string ended, or '' where there was none of ours
     */
    private function end(string $code): string
    {
        $connection = $this->resource->getConnection();
        $table = $this->resource->getTableName(self::TABLE);
        $select = $connection->select()->from($table, ['coupon_id'])->where('code = ?', $code)->where('active = 1');
        $couponId = (int) $connection->fetchOne($select);
        if ($couponId === 0) {
            return '';
        }
        if ($this->couponId($code) === $couponId) {
            $this->coupons->deleteById($couponId);
        }
        $connection->update($table, ['active' => 0], ['code = ?' => $code]);
        return 'ended';
    }

    /**
     * The coupon of a code, whoever made it.
     *
     * @param string $code
     * @return int 0 where there is none
     */
    private function couponId(string $code): int
    {
        $connection = $this->resource->getConnection();
        $select = $connection->select()
            ->from($this->resource->getTableName('salesrule_coupon'), ['coupon_id'])
            ->where('code = ?', $code);
        return (int) $connection->fetchOne($select);
    }

    /**
     * The rule of all our coupons; made at the first one, and again when somebody deleted it.
     *
     * @param string $percent
     * @return int
     */
    private function ruleId(string $percent): int
    {
        $connection = $this->resource->getConnection();
        $select = $connection->select()
            ->from($this->resource->getTableName('salesrule'), ['rule_id'])
            ->where('rule_id = ?', (int) $this->state->get(0, self::RULE));
        $ruleId = (int) $connection->fetchOne($select);
        if ($ruleId !== 0) {
            return $ruleId;
        }
        $rule = $this->ruleFactory->create();
        $rule->setName('Upline: codes of distributors');
        $rule->setDescription('Each code of a distributor is a coupon of this rule. Change the discount here.');
        $rule->setIsActive(true);
        $rule->setWebsiteIds(array_map('intval', array_keys($this->stores->getWebsites())));
        $rule->setCustomerGroupIds(array_map('intval', $this->groups->create()->getAllIds()));
        $rule->setCouponType(RuleInterface::COUPON_TYPE_SPECIFIC_COUPON);
        $rule->setUseAutoGeneration(true);
        $rule->setSimpleAction(RuleInterface::DISCOUNT_ACTION_BY_PERCENT);
        $rule->setDiscountAmount((float) $percent);
        $rule->setStopRulesProcessing(false);
        $ruleId = (int) $this->rules->save($rule)->getRuleId();
        $this->state->set(0, [self::RULE => $ruleId]);
        return $ruleId;
    }
}
