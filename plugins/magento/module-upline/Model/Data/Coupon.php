<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\CouponInterface;

/**
 * A code of a distributor, to become a coupon.
 */
class Coupon extends DataObject implements CouponInterface
{
    /**
     * @inheritDoc
     */
    public function getCode(): string
    {
        return (string) $this->getData('code');
    }

    /**
     * @inheritDoc
     */
    public function setCode(string $value): self
    {
        return $this->setData('code', $value);
    }

    /**
     * @inheritDoc
     */
    public function getDistributorId(): string
    {
        return (string) $this->getData('distributor_id');
    }

    /**
     * @inheritDoc
     */
    public function setDistributorId(string $value): self
    {
        return $this->setData('distributor_id', $value);
    }

    /**
     * @inheritDoc
     */
    public function isActive(): bool
    {
        return (bool) $this->getData('active');
    }

    /**
     * @inheritDoc
     */
    public function setActive(bool $value): self
    {
        return $this->setData('active', $value);
    }
}
