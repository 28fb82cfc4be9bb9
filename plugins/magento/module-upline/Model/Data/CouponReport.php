<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\CouponReportInterface;

/**
 * What became of coupons.
 */
class CouponReport extends DataObject implements CouponReportInterface
{
    /**
     * @inheritDoc
     */
    public function getAdded(): int
    {
        return (int) $this->getData('added');
    }

    /**
     * @inheritDoc
     */
    public function getKnown(): int
    {
        return (int) $this->getData('known');
    }

    /**
     * @inheritDoc
     */
    public function getEnded(): int
    {
        return (int) $this->getData('ended');
    }

    /**
     * @inheritDoc
     */
    public function getFaults(): array
    {
        return (array) $this->getData('faults');
    }
}
